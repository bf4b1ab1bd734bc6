import assert from "node:assert/strict";
import { test } from "node:test";

import { CERTIFICATE_SIGNING_REQUESTS } from "#api/builtin.ts";
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "#api/certificates-v1/types.ts";
import { testCluster } from "#controllers/testing/cluster.ts";
import { formatTime } from "#lib/clock.ts";
import { testRequest } from "#test/pki/test-request.ts";

import { type Certified, startCertificates } from "./controller.ts";

const CLIENT = "kubernetes.io/kube-apiserver-client";
const HOUR = 3600;

/** A request that has the conditions already, and what becomes of it. */
async function play(spec: Partial<CertificateSigningRequest["spec"]>, ...types: readonly string[]) {
  const signed: Certified[] = [];
  const cluster = testCluster((deps) => {
    startCertificates(deps, async (certified) => {
      signed.push(certified);
      return "PEM";
    });
  });
  const conditions = types.map((type): CertificateSigningRequestCondition => ({ type, status: "True", lastUpdateTime: formatTime(cluster.clock.now()) }));
  const request = { signerName: CLIENT, usages: ["client auth"], request: (await testRequest({ subject: "CN=a" })).request, ...spec };
  const created = await cluster.client.create(CERTIFICATE_SIGNING_REQUESTS, { metadata: { name: "r" }, spec: request });
  if (conditions.length > 0) await cluster.client.updateStatus(CERTIFICATE_SIGNING_REQUESTS, { ...created, status: { conditions } });
  await cluster.settle();
  const found = () => cluster.transport.objects(CERTIFICATE_SIGNING_REQUESTS)[0];
  return { cluster, signed, found, status: found()!.status ?? {} };
}

test("startCertificates() signs what is approved, for as long as was asked, once", async () => {
  const { cluster, signed, status } = await play({ expirationSeconds: 1200 }, "Approved");
  assert.equal(Buffer.from(status.certificate!, "base64").toString(), "PEM");
  const [{ request, ...rest }] = signed as [Certified];
  const nowMs = cluster.clock.now();
  assert.deepEqual(rest, { usages: ["client auth"], notBeforeMs: nowMs - 300_000, notAfterMs: nowMs + 1_200_000 });
  assert.equal(request[0], 0x30);
  await cluster.pass(5);
  assert.equal(signed.length, 1);
  cluster.stop();
});

for (const { what, spec, conditions } of [
  { what: "is not approved", spec: {}, conditions: [] },
  { what: "is denied", spec: {}, conditions: ["Denied"] },
  { what: "has failed", spec: {}, conditions: ["Approved", "Failed"] },
  { what: "is another signer's", spec: { signerName: "example.com/a" }, conditions: ["Approved"] },
]) {
  test(`startCertificates() leaves alone what ${what}`, async () => {
    const { cluster, signed, status } = await play(spec, ...conditions);
    assert.deepEqual([signed, status.certificate, status.conditions?.map(({ type }) => type) ?? []], [[], undefined, conditions]);
    cluster.stop();
  });
}

test("startCertificates() says why it does not sign what its signer does not certify", async () => {
  const { cluster, signed, status } = await play({ usages: ["server auth"] }, "Approved");
  assert.deepEqual([signed, status.certificate], [[], undefined]);
  const { type, reason, message } = status.conditions!.at(-1)!;
  assert.deepEqual([type, reason, message], ["Failed", "SignerValidationFailure", "invalid usage for client certificate: server auth"]);
  cluster.stop();
});

for (const { what, conditions, hours } of [
  { what: "that nobody answers after a day", conditions: [], hours: 25 },
  { what: "that was denied after an hour", conditions: ["Denied"], hours: 2 },
  { what: "that has its certificate after an hour", conditions: ["Approved"], hours: 2 },
]) {
  test(`startCertificates() takes a request away ${what}`, async () => {
    const { cluster, found } = await play({}, ...conditions);
    cluster.clock.advance((hours - 1) * HOUR * 1000 - 1000);
    await cluster.settle();
    assert.ok(found());
    await cluster.pass(1);
    cluster.clock.advance(HOUR * 1000);
    await cluster.settle();
    assert.equal(found(), undefined);
    cluster.stop();
  });
}
