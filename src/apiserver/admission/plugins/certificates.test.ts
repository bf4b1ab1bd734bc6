import assert from "node:assert/strict";
import { test } from "node:test";

import { resourceInfo } from "#api/resources.ts";
import type { Mutable } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { AdmissionChain, type AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { certificateApproval, certificateSigning, certificateSubjectRestriction, clusterTrustBundleAttest } from "#apiserver/admission/plugins/certificates.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";

/** `O=system:masters, CN=root`, made by openssl. */
const MASTERS =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIa01JR0tBZ0VBTUNneEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6TVEwd0N3WURWUVFEREFSeQpiMjkwTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFYkpBeDFhbjNaeGFuVU1aZlVxWTd4Qk5pCmlsaGp3VVBTd0JrUjVnUE5uOERVdjgzL3hMMXFHOUNZMmIyVW8xSlUrUFduM3BKZU9yL0xZaFJ6M3JmdWpLQUEKTUFvR0NDcUdTTTQ5QkFNQ0Ewa0FNRVlDSVFEc1pqUkpPc1RLYndVNkR1STJSZVZvTmdRR0EvOE1xOWFTOFB3Uwo1SUxzZUFJaEFNc3d2MHkxV3ZqZmN5ekdTenhxNzc3WkpLU1FuMGl0STRhZjhlZkphbnFJCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";

const may = (...allowed: readonly string[]): Authorizer => ({
  authorize: (asked) => ({ allowed: asked.path === undefined && allowed.includes(`${asked.verb} ${asked.plural} ${asked.name}`), reason: "" }),
  rulesFor: () => ({ rules: [], incomplete: false }),
});

interface Case {
  readonly name: string;
  readonly allowed?: readonly string[];
  readonly plural?: string;
  readonly subresource?: string;
  readonly object: object;
  readonly old?: object;
  readonly want: string | undefined;
}

const request = (status: object = {}) => ({ spec: { signerName: "example.com/mine", request: "" }, status });
const approved = { conditions: [{ type: "Approved", status: "True" }] };

const TABLE: readonly Case[] = [
  {
    name: "an approval",
    subresource: "approval",
    object: request(approved),
    old: request(),
    want: 'user not permitted to approve requests with signerName "example.com/mine"',
  },
  {
    name: "an approval by who may",
    allowed: ["approve signers example.com/mine"],
    subresource: "approval",
    object: request(approved),
    old: request(),
    want: undefined,
  },
  {
    name: "an approval by who may for the domain",
    allowed: ["approve signers example.com/*"],
    subresource: "approval",
    object: request(approved),
    old: request(),
    want: undefined,
  },
  {
    name: "a certificate",
    subresource: "status",
    object: request({ certificate: "Yw==" }),
    old: request(),
    want: 'user not permitted to sign requests with signerName "example.com/mine"',
  },
  { name: "a status without news", subresource: "status", object: request(approved), old: request(approved), want: undefined },
  {
    name: "a bundle",
    plural: "clustertrustbundles",
    object: { spec: { signerName: "example.com/mine" } },
    want: 'user not permitted to attest for signerName "example.com/mine"',
  },
  { name: "a bundle of nobody's", plural: "clustertrustbundles", object: { spec: {} }, want: undefined },
  {
    name: "a bundle that loses a finalizer",
    plural: "clustertrustbundles",
    object: { spec: { signerName: "a/b" } },
    old: { metadata: { name: "o", finalizers: ["f"] }, spec: { signerName: "a/b" } },
    want: undefined,
  },
  {
    name: "a client that is master",
    object: { spec: { signerName: "kubernetes.io/kube-apiserver-client", request: MASTERS } },
    want: "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed",
  },
  {
    name: "what is no request",
    object: { spec: { signerName: "kubernetes.io/kube-apiserver-client", request: "AAAA" } },
    want: "failed to parse CSR: PEM block type must be CERTIFICATE REQUEST",
  },
  { name: "another signer's master", object: { spec: { signerName: "example.com/mine", request: MASTERS } }, want: undefined },
];

for (const { name, allowed = [], plural = "certificatesigningrequests", subresource = "", object, old, want } of TABLE) {
  test(`certificate plugins ${want === undefined ? "allow" : "refuse"} ${name}`, async () => {
    const authorizer = may(...allowed);
    const chain = new AdmissionChain([
      certificateApproval(authorizer),
      certificateSigning(authorizer),
      clusterTrustBundleAttest(authorizer),
      certificateSubjectRestriction,
    ]);
    const version = plural === "clustertrustbundles" ? "v1beta1" : "v1";
    const attributes: AdmissionAttributes = {
      ...{ operation: old === undefined ? "CREATE" : "UPDATE", subresource, namespace: "", name: "o", options: {}, dryRun: false, user: LOOPBACK_USER },
      resource: resourceInfo("certificates.k8s.io", version, plural)!,
      object: { metadata: { name: "o" }, ...object } as unknown as Mutable<KubeObject>,
      oldObject: old === undefined ? undefined : ({ metadata: { name: "o" }, ...old } as unknown as KubeObject),
      warn: () => {},
    };
    const result = (async () => chain.validate(attributes))();
    if (want === undefined) await result;
    else await assert.rejects(result, { message: `${plural}.certificates.k8s.io "o" is forbidden: ${want}` });
  });
}
