import type { CertificateRequest } from "#api/certificates-v1/certificate-request.ts";
import type { CertificateSigningRequest } from "#api/certificates-v1/types.ts";

export const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";
export const KUBELET_CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";
export const KUBELET_SERVING_SIGNER = "kubernetes.io/kubelet-serving";
export const LEGACY_SIGNER = "kubernetes.io/legacy-unknown";

const NODES = "system:nodes";
const NODE_PREFIX = "system:node:";
const REFUSED_CLIENT_NAMES = [
  ["dnsNames", "DNS"],
  ["emailAddresses", "Email"],
  ["ipAddresses", "IP"],
  ["uris", "URI"],
] as const;

/**
 * Why a request is not what the signer certifies; `undefined` when it is.
 *
 * @see kubernetes pkg/apis/certificates/helpers.go, pkg/controller/certificates/signer/signer.go
 */
export function signerObjection({ signerName, usages = [] }: CertificateSigningRequest["spec"], request: CertificateRequest): string | undefined {
  if (signerName === CLIENT_SIGNER) return clientObjection(usages);
  if (signerName === KUBELET_CLIENT_SIGNER) return kubeletClientObjection(usages, request);
  return signerName === KUBELET_SERVING_SIGNER ? kubeletServingObjection(usages, request) : undefined;
}

function clientObjection(usages: readonly string[]): string | undefined {
  const other = usages.find((usage) => !["digital signature", "key encipherment", "client auth"].includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes("client auth") ? undefined : "missing required usage for client certificate: client auth";
}

function kubeletClientObjection(usages: readonly string[], request: CertificateRequest): string | undefined {
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  for (const [field, kind] of REFUSED_CLIENT_NAMES) if (request[field].length > 0) return `${kind} subjectAltNames are not allowed`;
  return nameObjection(request) ?? usagesObjection(usages, "client auth");
}

function kubeletServingObjection(usages: readonly string[], request: CertificateRequest): string | undefined {
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length + request.ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  if (request.emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  return usagesObjection(usages, "server auth") ?? nameObjection(request);
}

function isOfNodes({ organizations }: CertificateRequest): boolean {
  return organizations.length === 1 && organizations[0] === NODES;
}

function nameObjection({ commonName }: CertificateRequest): string | undefined {
  return commonName.startsWith(NODE_PREFIX) ? undefined : "subject common name does not begin with system:node:";
}

/** Keys that are not RSA encipher no others. */
function usagesObjection(usages: readonly string[], purpose: string): string | undefined {
  const given = [...new Set(usages)].toSorted();
  const rsa = [purpose, "digital signature", "key encipherment"].toSorted();
  const fits = [rsa, rsa.filter((usage) => usage !== "key encipherment")].some((wanted) => wanted.join() === given.join());
  return fits ? undefined : `usages did not match [${rsa.join(" ")}]`;
}
