import { parseCertificateRequest } from "#api/certificates-v1/certificate-request.ts";
import type { CertificateSigningRequest } from "#api/certificates-v1/types.ts";
import type { ClusterTrustBundle } from "#api/certificates-v1beta1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { forbidden, targets } from "#apiserver/admission/plugins/attributes.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { SYSTEM_MASTERS } from "#apiserver/user.ts";
import { sameJson } from "#lib/same-json.ts";

const GROUP = "certificates.k8s.io";
const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";

type Target = Pick<AdmissionAttributes, "operation" | "resource" | "subresource">;

const isRequestUpdate = (subresource: string) => (target: Target) =>
  target.subresource === subresource && targets({ ...target, subresource: "" }, GROUP, "certificatesigningrequests", "UPDATE");

/** Who approves a request must be allowed to approve for its signer. */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "CertificateApproval",
    handles: isRequestUpdate("approval"),
    validate(attributes) {
      const { signerName } = (attributes.oldObject as CertificateSigningRequest).spec;
      if (maySign(authorizer, attributes, "approve", signerName)) return;
      throw forbidden(attributes, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
    },
  };
}

/** Who fills in a certificate must be allowed to sign for the request's signer. */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "CertificateSigning",
    handles: isRequestUpdate("status"),
    validate(attributes) {
      const [next, old] = [attributes.object as CertificateSigningRequest, attributes.oldObject as CertificateSigningRequest];
      const sameCertificate = (next.status?.certificate ?? "") === (old.status?.certificate ?? "");
      if (sameCertificate && sameJson(next.status?.conditions ?? [], old.status?.conditions ?? [])) return;
      const { signerName } = old.spec;
      if (maySign(authorizer, attributes, "sign", signerName)) return;
      throw forbidden(attributes, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
    },
  };
}

/** Who publishes a bundle for a signer must be allowed to speak for it. */
export function clusterTrustBundleAttest(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "ClusterTrustBundleAttest",
    handles: (target) => targets(target, GROUP, "clustertrustbundles", "CREATE", "UPDATE"),
    validate(attributes) {
      const { object, oldObject } = attributes;
      const { signerName = "" } = (object as unknown as ClusterTrustBundle).spec;
      if (signerName === "" || (oldObject !== undefined && sameButForCollection(object as KubeObject, oldObject))) return;
      if (maySign(authorizer, attributes, "attest", signerName)) return;
      throw forbidden(attributes, `user not permitted to attest for signerName ${JSON.stringify(signerName)}`);
    },
  };
}

/** Nobody asks the API server's signer for a certificate that may do everything. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: "CertificateSubjectRestriction",
  handles: (target) => targets(target, GROUP, "certificatesigningrequests", "CREATE"),
  validate(attributes) {
    const { request, signerName } = (attributes.object as unknown as CertificateSigningRequest).spec;
    if (signerName !== CLIENT_SIGNER || !organizationsIn(attributes, request).includes(SYSTEM_MASTERS)) return;
    throw forbidden(attributes, `use of ${CLIENT_SIGNER} signer with ${SYSTEM_MASTERS} group is not allowed`);
  },
};

function organizationsIn(attributes: AdmissionAttributes, request: string): readonly string[] {
  try {
    return parseCertificateRequest(request).organizations;
  } catch (error) {
    throw forbidden(attributes, `failed to parse CSR: ${(error as Error).message}`);
  }
}

/** For the signer itself, or for all of its domain: `kubernetes.io/*`. */
function maySign(authorizer: Authorizer, { user }: AdmissionAttributes, verb: string, signerName: string): boolean {
  const domain = signerName.split("/", 1)[0];
  const about = { user, verb, group: GROUP, version: "*", plural: "signers", subresource: "", namespace: "" };
  return [signerName, `${domain}/*`].some((name) => authorizer.authorize({ ...about, name }).allowed);
}

/** Garbage collection may take its marks off whatever the bundle says. */
function sameButForCollection(next: KubeObject, old: KubeObject): boolean {
  const plain = ({ metadata, ...rest }: KubeObject) => {
    const { ownerReferences: _o, finalizers: _f, managedFields: _m, resourceVersion: _r, ...kept } = metadata;
    return { ...rest, metadata: kept };
  };
  return sameJson(plain(next), plain(old));
}
