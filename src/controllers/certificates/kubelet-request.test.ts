import assert from "node:assert/strict";
import { test } from "node:test";

import type { CertificateRequest } from "#api/certificates-v1/certificate-request.ts";

import { signerObjection } from "./kubelet-request.ts";

const NODE: CertificateRequest = {
  commonName: "system:node:n1",
  organizations: ["system:nodes"],
  dnsNames: [],
  ipAddresses: [],
  emailAddresses: [],
  uris: [],
};
const CLIENT = ["digital signature", "client auth"];
const SERVING = ["digital signature", "key encipherment", "server auth"];

for (const { signer, usages, request, want } of [
  { signer: "kube-apiserver-client", usages: ["client auth"], request: {}, want: undefined },
  { signer: "kube-apiserver-client", usages: ["digital signature"], request: {}, want: "missing required usage for client certificate: client auth" },
  { signer: "kube-apiserver-client", usages: ["client auth", "server auth"], request: {}, want: "invalid usage for client certificate: server auth" },
  { signer: "kube-apiserver-client-kubelet", usages: CLIENT, request: {}, want: undefined },
  { signer: "kube-apiserver-client-kubelet", usages: [...CLIENT, "key encipherment"], request: {}, want: undefined },
  {
    signer: "kube-apiserver-client-kubelet",
    usages: SERVING,
    request: {},
    want: "usages did not match [client auth digital signature key encipherment]",
  },
  { signer: "kube-apiserver-client-kubelet", usages: CLIENT, request: { organizations: [] }, want: "subject organization is not system:nodes" },
  { signer: "kube-apiserver-client-kubelet", usages: CLIENT, request: { dnsNames: ["a"] }, want: "DNS subjectAltNames are not allowed" },
  { signer: "kube-apiserver-client-kubelet", usages: CLIENT, request: { commonName: "n1" }, want: "subject common name does not begin with system:node:" },
  { signer: "kubelet-serving", usages: SERVING, request: { ipAddresses: ["10.0.0.1"] }, want: undefined },
  { signer: "kubelet-serving", usages: SERVING, request: {}, want: "DNS or IP subjectAltName is required" },
  { signer: "kubelet-serving", usages: SERVING, request: { dnsNames: ["a"], uris: ["a:b"] }, want: "URI subjectAltNames are not allowed" },
  {
    signer: "kubelet-serving",
    usages: CLIENT,
    request: { dnsNames: ["a"], commonName: "n1" },
    want: "usages did not match [digital signature key encipherment server auth]",
  },
  { signer: "legacy-unknown", usages: ["any"], request: { commonName: "x" }, want: undefined },
]) {
  test(`signerObjection() of ${signer} for ${usages.join(", ")} and ${JSON.stringify(request)} is ${want}`, () => {
    assert.equal(signerObjection({ signerName: `kubernetes.io/${signer}`, usages, request: "" }, { ...NODE, ...request }), want);
  });
}
