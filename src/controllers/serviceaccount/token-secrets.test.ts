import assert from "node:assert/strict";
import { test } from "node:test";

import { SECRETS, SERVICE_ACCOUNTS } from "#api/builtin.ts";
import { namesOf, testCluster } from "#controllers/testing/cluster.ts";

import { startTokenSecrets } from "./token-secrets.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const signToken = (claims: object) => JSON.stringify(claims);

/** An account `web`, and a Secret for its token. */
async function world(annotations: object = {}) {
  const cluster = testCluster((deps) => startTokenSecrets(deps, { rootCa: "CA", signToken }));
  const account = await cluster.client.create(SERVICE_ACCOUNTS, { metadata: { name: "web", namespace: "ns" } });
  const metadata = { name: "s", namespace: "ns", annotations: { "kubernetes.io/service-account.name": "web", ...annotations } };
  await cluster.client.create(SECRETS, { metadata, type: "kubernetes.io/service-account-token", data: { other: base64("kept") } });
  await cluster.settle();
  return { cluster, account, secret: () => cluster.transport.objects(SECRETS)[0] };
}

test("startTokenSecrets() fills a Secret with what a client needs, once", async () => {
  const { cluster, account, secret } = await world();
  const { data, metadata } = secret()!;
  const uid = account.metadata.uid!;
  assert.equal(metadata.annotations!["kubernetes.io/service-account.uid"], uid);
  const token = JSON.stringify({
    iss: "kubernetes/serviceaccount",
    "kubernetes.io/serviceaccount/namespace": "ns",
    "kubernetes.io/serviceaccount/secret.name": "s",
    "kubernetes.io/serviceaccount/service-account.name": "web",
    "kubernetes.io/serviceaccount/service-account.uid": uid,
    sub: "system:serviceaccount:ns:web",
  });
  assert.deepEqual(data, { other: base64("kept"), "ca.crt": base64("CA"), namespace: base64("ns"), token: base64(token) });
  const { revision } = cluster.transport;
  await cluster.pass(5);
  assert.equal(cluster.transport.revision, revision);
  cluster.stop();
});

test("startTokenSecrets() gives a Secret without a token a new one", async () => {
  const { cluster, secret } = await world();
  const before = secret()!.data!["token"];
  await cluster.client.patch(SECRETS, secret()!.metadata, "merge", { data: { token: null } });
  await cluster.settle();
  assert.equal(secret()!.data!["token"], before);
  cluster.stop();
});

test("startTokenSecrets() deletes the Secret of an account that is deleted", async () => {
  const { cluster, account } = await world();
  await cluster.client.delete(SERVICE_ACCOUNTS, account.metadata);
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, SECRETS), []);
  cluster.stop();
});

for (const { what, annotations } of [
  { what: "is not there", annotations: { "kubernetes.io/service-account.name": "nobody" } },
  { what: "was made anew since", annotations: { "kubernetes.io/service-account.uid": "another" } },
]) {
  test(`startTokenSecrets() deletes the Secret of an account that ${what}`, async () => {
    const { cluster } = await world(annotations);
    assert.deepEqual(namesOf(cluster, SECRETS), []);
    cluster.stop();
  });
}

test("startTokenSecrets() takes a deleted Secret off the account's list", async () => {
  const { cluster, account } = await world();
  await cluster.client.update(SERVICE_ACCOUNTS, { ...account, secrets: [{ name: "s" }, { name: "t" }] });
  await cluster.client.delete(SECRETS, { namespace: "ns", name: "s" });
  await cluster.settle();
  assert.deepEqual(cluster.transport.objects(SERVICE_ACCOUNTS)[0]!.secrets, [{ name: "t" }]);
  cluster.stop();
});
