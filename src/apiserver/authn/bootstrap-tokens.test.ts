import assert from "node:assert/strict";
import { test } from "node:test";

import type { KubeObject } from "#apimachinery/object.ts";
import { BootstrapTokens } from "#apiserver/authn/bootstrap-tokens.ts";
import { SimClock } from "#lib/sim-clock.ts";

const TOKEN = "abcdef.0123456789abcdef";
const DATA = { "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true" };

function tokensOver(data: Readonly<Record<string, string>>, more: object = {}) {
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));
  const secret = { metadata: { name: "bootstrap-token-abcdef" }, type: "bootstrap.kubernetes.io/token", data: encoded, ...more } as unknown as KubeObject;
  return new BootstrapTokens({
    audiences: ["api"],
    clock: new SimClock(Date.UTC(2030, 0, 1)),
    lookup: (plural, namespace, name) => (plural === "secrets" && namespace === "kube-system" && name === "bootstrap-token-abcdef" ? secret : undefined),
  });
}

test("BootstrapTokens knows who comes with a token of a Secret, and his groups", () => {
  const groups = (data: Readonly<Record<string, string>>) => tokensOver({ ...DATA, ...data }).authenticate(TOKEN)?.groups;
  assert.equal(tokensOver(DATA).authenticate(TOKEN)?.name, "system:bootstrap:abcdef");
  assert.deepEqual(groups({}), ["system:bootstrappers", "system:authenticated"]);
  assert.deepEqual(groups({ "auth-extra-groups": "system:bootstrappers:b,system:bootstrappers:a", expiration: "2030-01-01T00:00:01Z" }), [
    "system:bootstrappers",
    "system:bootstrappers:a",
    "system:bootstrappers:b",
    "system:authenticated",
  ]);
});

for (const { name, token = TOKEN, data = {}, more = {} } of [
  { name: "a wrong secret", token: "abcdef.0123456789abcdee" },
  { name: "an unknown id", token: "abcdeg.0123456789abcdef" },
  { name: "another form", token: "abcdef.0123456789ABCDEF" },
  { name: "an id that the Secret does not say", data: { "token-id": "abcdeg" } },
  { name: "a token that has expired", data: { expiration: "2029-12-31T23:59:59Z" } },
  { name: "an expiration that is no time", data: { expiration: "soon" } },
  { name: "a token for other uses", data: { "usage-bootstrap-authentication": "false" } },
  { name: "groups outside of system:bootstrappers", data: { "auth-extra-groups": "system:masters" } },
  { name: "a Secret of another type", more: { type: "Opaque" } },
  { name: "a Secret that is being deleted", more: { metadata: { name: "x", deletionTimestamp: "2030-01-01T00:00:00Z" } } },
]) {
  test(`BootstrapTokens refuses ${name}`, () => assert.equal(tokensOver({ ...DATA, ...data }, more).authenticate(token), undefined));
}

test("BootstrapTokens.review() answers for the server's own audiences", () => {
  const tokens = tokensOver(DATA);
  assert.deepEqual(tokens.review(TOKEN, ["api", "x"]), { user: tokens.authenticate(TOKEN), audiences: ["api"] });
  assert.deepEqual(tokens.review(TOKEN, ["x"]), {});
});
