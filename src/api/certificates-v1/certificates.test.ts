import assert from "node:assert/strict";
import { test } from "node:test";

import type { CertificateSigningRequest } from "#api/certificates-v1/types.ts";
import type { Mutable, StrategyContext } from "#api/strategy.ts";
import { told } from "#test/strategies/told.ts";

import { certificateFault, requestFault } from "./signing-request.ts";
import { signingRequestStrategy } from "./strategy.ts";

/** `O=system:masters, CN=root` with a key of P-256, made by openssl. */
const REQUEST =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIa01JR0tBZ0VBTUNneEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6TVEwd0N3WURWUVFEREFSeQpiMjkwTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFYkpBeDFhbjNaeGFuVU1aZlVxWTd4Qk5pCmlsaGp3VVBTd0JrUjVnUE5uOERVdjgzL3hMMXFHOUNZMmIyVW8xSlUrUFduM3BKZU9yL0xZaFJ6M3JmdWpLQUEKTUFvR0NDcUdTTTQ5QkFNQ0Ewa0FNRVlDSVFEc1pqUkpPc1RLYndVNkR1STJSZVZvTmdRR0EvOE1xOWFTOFB3Uwo1SUxzZUFJaEFNc3d2MHkxV3ZqZmN5ekdTenhxNzc3WkpLU1FuMGl0STRhZjhlZkphbnFJCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";
const pem = (text: string) => Buffer.from(text).toString("base64");
const spec = { request: REQUEST, usages: ["client auth"], signerName: "example.com/mine" };
const now = "2026-01-02T03:04:05Z";
const context = { now, user: { name: "ada", uid: "7", groups: ["g"], extra: { b: ["2"], a: ["1"] } } } as StrategyContext;

for (const { name, request, want } of [
  { name: "a sound request", request: REQUEST, want: undefined },
  { name: "no PEM", request: pem("x"), want: "PEM block type must be CERTIFICATE REQUEST" },
  { name: "a certificate", request: pem("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"), want: "PEM block type must be CERTIFICATE REQUEST" },
  { name: "a request that was changed", request: changed(), want: "x509: ECDSA verification failure" },
  {
    name: "no DER",
    request: pem("-----BEGIN CERTIFICATE REQUEST-----\nMAk=\n-----END CERTIFICATE REQUEST-----\n"),
    want: "asn1: syntax error: data truncated",
  },
]) {
  test(`requestFault() of ${name} is ${want ?? "nothing"}`, () => assert.equal(requestFault(request), want));
}

for (const { certificate, want } of [
  { certificate: "", want: undefined },
  { certificate: pem("x"), want: "must contain at least one CERTIFICATE PEM block" },
  { certificate: REQUEST, want: 'only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"' },
  { certificate: pem("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"), want: "x509: malformed certificate" },
]) {
  test(`certificateFault() says ${want ?? "nothing"}`, () => assert.equal(certificateFault(certificate), want));
}

for (const { given, want } of [
  { given: {}, want: [] },
  { given: { usages: [] }, want: ["spec.usages: Required value"] },
  { given: { usages: ["any", "any"] }, want: ['spec.usages[1]: Duplicate value: "any"'] },
  { given: { expirationSeconds: 599 }, want: ["spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)"] },
  {
    given: { signerName: "kubernetes.io/legacy-unknown" },
    want: ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version'],
  },
  {
    given: { signerName: "mine" },
    want: [`spec.signerName: Invalid value: "mine": must be a fully qualified domain and path of the form 'example.com/signer-name'`],
  },
  {
    given: { signerName: "com/mine" },
    want: ['spec.signerName: Invalid value: "com": should be a domain with at least two segments separated by dots'],
  },
]) {
  test(`validateCreate() says ${want[0] ?? "nothing of a sound request"}`, () =>
    assert.deepEqual(told(signingRequestStrategy, { spec: { ...spec, ...given } }), want));
}

test("prepareForCreate() says who asks, whatever was sent", () => {
  const request = { metadata: { name: "x" }, spec: { ...spec, username: "eve", groups: ["system:masters"] }, status: { certificate: "x" } };
  signingRequestStrategy.prepareForCreate?.(request as unknown as Mutable<CertificateSigningRequest>, context);
  assert.deepEqual(request.spec, { ...spec, username: "ada", uid: "7", groups: ["g"], extra: { a: ["1"], b: ["2"] } });
  assert.deepEqual(request.status, {});
});

const approved = { type: "Approved", status: "True" };
const denied = { type: "Denied", status: "True" };
const request = (status: object) => ({ metadata: { name: "x" }, spec, status }) as unknown as CertificateSigningRequest;

for (const { way, name, old, status, want } of [
  { way: "approval", name: "approves", old: {}, status: { conditions: [approved] }, want: [] },
  {
    way: "approval",
    name: "does not decide otherwise as well",
    old: { conditions: [approved] },
    status: { conditions: [approved, denied] },
    want: ['status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'],
  },
  {
    way: "approval",
    name: "takes no decision back",
    old: { conditions: [approved] },
    status: {},
    want: ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'],
  },
  {
    way: "status",
    name: "does not approve",
    old: {},
    status: { conditions: [approved] },
    want: ['status.conditions: Forbidden: updates may not add a condition of type "Approved"'],
  },
  {
    way: "status",
    name: "replaces no certificate",
    old: { certificate: pem("a") },
    status: { certificate: pem("b") },
    want: ["status.certificate: Forbidden: updates may not modify existing certificate content"],
  },
]) {
  test(`${way} ${name}`, () => {
    const errors = signingRequestStrategy.subresources?.[way]?.validateUpdate?.(request(status), request(old));
    assert.deepEqual(
      errors?.map(({ field, text }) => `${field}: ${text}`),
      want,
    );
  });
}

test("a decision gets its times, and keeps them", () => {
  const draft = (conditions: object[]) => structuredClone(request({ conditions })) as Mutable<CertificateSigningRequest>;
  const first = draft([approved]);
  signingRequestStrategy.subresources?.["approval"]?.prepareForUpdate?.(first, request({}), context);
  assert.deepEqual(first.status.conditions, [{ ...approved, lastUpdateTime: now, lastTransitionTime: now }]);
  const later = draft([{ ...approved, message: "other" }]);
  signingRequestStrategy.subresources?.["status"]?.prepareForUpdate?.(later, first as CertificateSigningRequest, context);
  assert.deepEqual(later.status.conditions, first.status.conditions);
});

/** The request with another name in it. */
function changed(): string {
  const [head = "", body = "", tail = ""] = Buffer.from(REQUEST, "base64")
    .toString()
    .split(/(?<=-----\n)|(?=-----END)/);
  const der = Buffer.from(body, "base64");
  der.write("toor", der.indexOf("root"));
  return pem(`${head}${der.toString("base64")}\n${tail}`);
}
