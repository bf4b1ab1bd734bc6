import { CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS } from "#api/builtin.ts";
import { type CertificateRequest, parseCertificateRequest, requestDer } from "#api/certificates-v1/certificate-request.ts";
import type { CertificateSigningRequest } from "#api/certificates-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { type ControllerDeps, queueFor } from "#controllers/common/deps.ts";
import { formatTime } from "#lib/clock.ts";

import { isPast } from "./cleanup.ts";
import { CLIENT_SIGNER, KUBELET_CLIENT_SIGNER, KUBELET_SERVING_SIGNER, LEGACY_SIGNER, signerObjection } from "./kubelet-request.ts";
import { type Validity, validityFor } from "./validity.ts";

/** What the cluster's authority is to certify. */
export interface Certified extends Validity {
  /** DER of PKCS #10. */
  readonly request: Buffer;
  /** As a CertificateSigningRequest names them: `client auth`. */
  readonly usages: readonly string[];
}

/** @returns PEM */
export type SignCertificate = (certified: Certified) => Promise<string>;

const SIGNERS: readonly string[] = [CLIENT_SIGNER, KUBELET_CLIENT_SIGNER, KUBELET_SERVING_SIGNER, LEGACY_SIGNER];
const CLEANUP_MS = 3_600_000;
/** A node that may not have itself approved now may be allowed to later. */
const ASK_AGAIN_MS = 60_000;

/** Approves the requests of nodes that may have them, signs what is approved, and takes away what is past. */
export function startCertificates(deps: ControllerDeps, sign: SignCertificate): void {
  const requests = deps.informers.informer(CERTIFICATE_SIGNING_REQUESTS);
  const waiting = (key: string) => {
    const found = requests.get(key);
    return found === undefined || found.status?.certificate ? undefined : found;
  };
  const approving = queueFor(deps, {
    name: "csrapproving",
    async sync(key) {
      const request = waiting(key);
      if (request !== undefined && !(await approve(deps, request))) approving.addAfter(key, ASK_AGAIN_MS);
    },
  });
  const signing = queueFor(deps, {
    name: "csrsigning",
    async sync(key) {
      const request = waiting(key);
      if (request !== undefined) await answer(deps, request, sign);
    },
  });
  const enqueue = ({ metadata: { name } }: CertificateSigningRequest) => {
    approving.add(name);
    signing.add(name);
  };
  requests.onChange({ added: enqueue, updated: enqueue });
  const cleaning = queueFor(deps, { name: "csrcleaner", sync: (key) => remove(deps, key) });
  const cleanup = deps.clock.every(CLEANUP_MS, () => {
    for (const request of requests.list()) if (isPast(request, deps.clock.now())) cleaning.add(request.metadata.name);
  });
  deps.signal.addEventListener("abort", () => cleanup.cancel(), { once: true });
}

/** @returns false when a node's request has to wait for who may approve it */
async function approve({ client }: ControllerDeps, request: CertificateSigningRequest): Promise<boolean> {
  const { spec } = request;
  if (spec.signerName !== KUBELET_CLIENT_SIGNER || hasCondition(request, "Approved") || hasCondition(request, "Denied")) return true;
  const asked = parsed(request);
  if (asked === undefined || signerObjection(spec, asked) !== undefined) return true;
  const kinds = [
    ...(spec.username === asked.commonName ? [{ subresource: "selfnodeclient", whose: "self kubelet" }] : []),
    { subresource: "nodeclient", whose: "kubelet" },
  ];
  for (const { subresource, whose } of kinds) {
    if (!(await mayHave(client, spec, subresource))) continue;
    const message = `Auto approving ${whose} client certificate after SubjectAccessReview.`;
    const condition = { type: "Approved", status: "True", reason: "AutoApproved", message };
    await client.update(CERTIFICATE_SIGNING_REQUESTS, withCondition(request, condition), { subresource: "approval" });
    return true;
  }
  return false;
}

async function mayHave(
  client: ControllerDeps["client"],
  { username, uid, groups, extra }: CertificateSigningRequest["spec"],
  subresource: string,
): Promise<boolean> {
  const resourceAttributes = { group: "certificates.k8s.io", resource: "certificatesigningrequests", verb: "create", version: "*", subresource };
  const review = await client.create(SUBJECT_ACCESS_REVIEWS, { metadata: {}, spec: { user: username, uid, groups, extra, resourceAttributes } } as never);
  return review.status?.allowed === true;
}

async function answer({ client, clock }: ControllerDeps, request: CertificateSigningRequest, sign: SignCertificate): Promise<void> {
  const { spec } = request;
  if (!SIGNERS.includes(spec.signerName) || !hasCondition(request, "Approved") || hasCondition(request, "Failed")) return;
  const asked = parseCertificateRequest(spec.request);
  const objection = signerObjection(spec, asked);
  if (objection !== undefined) {
    const condition = { type: "Failed", status: "True", reason: "SignerValidationFailure", message: objection, lastUpdateTime: formatTime(clock.now()) };
    await client.updateStatus(CERTIFICATE_SIGNING_REQUESTS, withCondition(request, condition));
    return;
  }
  const validity = validityFor(spec.expirationSeconds, clock.now());
  const pem = await sign({ request: requestDer(spec.request), usages: spec.usages ?? [], ...validity });
  const certificate = Buffer.from(pem).toString("base64");
  await client.updateStatus(CERTIFICATE_SIGNING_REQUESTS, { ...request, status: { ...request.status, certificate } });
}

async function remove({ client }: ControllerDeps, name: string): Promise<void> {
  try {
    await client.delete(CERTIFICATE_SIGNING_REQUESTS, { name });
  } catch (error) {
    if (!isStatus(error, "NotFound")) throw error;
  }
}

function parsed({ spec }: CertificateSigningRequest): CertificateRequest | undefined {
  try {
    return parseCertificateRequest(spec.request);
  } catch {
    return undefined;
  }
}

function hasCondition({ status }: CertificateSigningRequest, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status !== "False") ?? false;
}

function withCondition(
  request: CertificateSigningRequest,
  condition: { type: string; status: string; reason: string; message: string },
): CertificateSigningRequest {
  return { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] } };
}
