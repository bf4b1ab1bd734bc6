import assert from "node:assert/strict";
import { test } from "node:test";

import { testRequest, type TestRequest } from "#test/pki/test-request.ts";

import { type CertificateRequest, parseCertificateRequest } from "./certificate-request.ts";

const NONE = { dnsNames: [], ipAddresses: [], emailAddresses: [], uris: [] };

const TABLE: readonly { readonly what: string; readonly request: TestRequest; readonly want: CertificateRequest }[] = [
  {
    what: "a name and its organizations",
    request: { subject: "O=system:masters,O=b,CN=c" },
    want: { commonName: "c", organizations: ["system:masters", "b"], ...NONE },
  },
  { what: "a request for nobody", request: { subject: "" }, want: { commonName: "", organizations: [], ...NONE } },
  {
    what: "alternative names of each kind",
    request: {
      subject: "CN=ü",
      names: [
        { type: "dns", value: "a.b" },
        { type: "ip", value: "10.0.0.1" },
        { type: "ip", value: "fd00::1" },
        { type: "email", value: "a@b.c" },
        { type: "url", value: "spiffe://d/e" },
        { type: "dns", value: "*.f" },
      ],
    },
    want: {
      commonName: "ü",
      organizations: [],
      dnsNames: ["a.b", "*.f"],
      ipAddresses: ["10.0.0.1", "fd00::1"],
      emailAddresses: ["a@b.c"],
      uris: ["spiffe://d/e"],
    },
  },
  {
    what: "a name that is not critical",
    request: { subject: "CN=a", names: [{ type: "dns", value: "a" }] },
    want: { commonName: "a", organizations: [], ...NONE, dnsNames: ["a"] },
  },
];

for (const { what, request, want } of TABLE) {
  test(`parseCertificateRequest() reads ${what}`, async () => assert.deepEqual(parseCertificateRequest((await testRequest(request)).request), want));
}

test("parseCertificateRequest() refuses what is cut off, and what is none", async () => {
  const lines = Buffer.from((await testRequest({ subject: "CN=a" })).request, "base64")
    .toString()
    .trimEnd()
    .split("\n");
  const cut = Buffer.from(lines[1]!, "base64").subarray(0, 40).toString("base64");
  assert.throws(() => parseCertificateRequest(Buffer.from(`${lines[0]}\n${cut}\n${lines.at(-1)}\n`).toString("base64")), /asn1: syntax error/);
  assert.throws(() => parseCertificateRequest("AAAA"), /PEM block type must be CERTIFICATE REQUEST/);
});
