import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";

import { legacyTokenClaims } from "#api/core-v1/legacy-token.ts";
import type { Secret, ServiceAccount } from "#api/core-v1/types.ts";
import { JwtKey } from "#apiserver/authn/jwt.ts";
import { SecretTokens } from "#apiserver/authn/secret-tokens.ts";
import type { Call } from "#apiserver/registry/types.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";

const newKey = () => new JwtKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
const KEY = newKey();
const ACCOUNT = { metadata: { name: "web", namespace: "ns", uid: "u1" } } as ServiceAccount;
const SECRET = { metadata: { name: "s", namespace: "ns", uid: "u2" } } as Secret;
const TOKEN = KEY.sign(legacyTokenClaims(ACCOUNT, SECRET));
const inSecret = (token: string, metadata: object = {}) => ({
  metadata: { ...SECRET.metadata, ...metadata },
  data: { token: Buffer.from(token).toString("base64") },
});

function world(over: { readonly secret?: object | undefined; readonly account?: object | undefined } = {}) {
  const { secret, account } = { secret: inSecret(TOKEN), account: ACCOUNT, ...over };
  const calls: Call[] = [];
  const perform = async (call: Call) => void calls.push(call);
  const objects: Record<string, object | undefined> = { "secrets/ns/s": secret, "serviceaccounts/ns/web": account };
  const lookup = (plural: string, namespace: string, name: string) => objects[`${plural}/${namespace}/${name}`] as never;
  const clock = new SimClock(Date.parse("2026-01-31T12:00:00Z"));
  return { tokens: new SecretTokens({ key: KEY, audiences: ["api"], clock, logger: silentLogger, lookup, perform }), calls };
}

test("SecretTokens knows the account of a token that stands in its Secret, and notes the day", () => {
  const { tokens, calls } = world();
  assert.deepEqual(tokens.authenticate(TOKEN), {
    name: "system:serviceaccount:ns:web",
    uid: "u1",
    groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
    extra: {},
  });
  assert.deepEqual(
    calls.map(({ verb, name, body }) => ({ verb, name, body })),
    [{ verb: "patch", name: "s", body: { metadata: { uid: "u2", labels: { "kubernetes.io/legacy-token-last-used": "2026-01-31" } } } }],
  );
});

for (const day of ["2026-01-31", "2026-02-01"]) {
  test(`SecretTokens notes a day once, though a server's clock is ahead: ${day}`, () => {
    const { tokens, calls } = world({ secret: inSecret(TOKEN, { labels: { "kubernetes.io/legacy-token-last-used": day } }) });
    assert.ok(tokens.authenticate(TOKEN));
    assert.deepEqual(calls, []);
  });
}

for (const { what, objects, token = TOKEN, why } of [
  { what: "whose Secret is gone", objects: { secret: undefined }, why: "Token has been invalidated" },
  { what: "whose account is gone", objects: { account: undefined }, why: 'serviceaccounts "web" not found' },
  { what: "whose Secret is being deleted", objects: { secret: inSecret(TOKEN, { deletionTimestamp: "t" }) }, why: "Token has been invalidated" },
  { what: "whose Secret has another", objects: { secret: inSecret(`${TOKEN}x`) }, why: "Token does not match server's copy" },
  { what: "of an account made anew", objects: { account: { metadata: { uid: "u9" } } }, why: "ServiceAccount UID (u9) does not match claim (u1)" },
  {
    what: "of an account that is being deleted",
    objects: { account: { metadata: { uid: "u1", deletionTimestamp: "t" } } },
    why: "ServiceAccount ns/web has been deleted",
  },
  { what: "of another key", objects: {}, token: newKey().sign(legacyTokenClaims(ACCOUNT, SECRET)), why: "go-jose/go-jose: error in cryptographic primitive" },
]) {
  test(`SecretTokens refuses a token ${what}`, () => {
    const { tokens } = world(objects);
    assert.equal(tokens.authenticate(token), undefined);
    assert.deepEqual(tokens.review(token, ["api"]), { why });
  });
}

test("SecretTokens leaves other issuers' tokens, and other audiences, alone", () => {
  const { tokens } = world();
  assert.deepEqual(tokens.review(KEY.sign({ iss: "other" }), ["api"]), {});
  assert.deepEqual(tokens.review(TOKEN, ["vault"]), {});
});

test("SecretTokens refuses a token that was marked as invalid, and says what to do", () => {
  const { tokens } = world({ secret: inSecret(TOKEN, { labels: { "kubernetes.io/legacy-token-invalid-since": "2026-01-01" } }) });
  const { why = "" } = tokens.review(TOKEN, ["api"]) as { why?: string };
  assert.match(why, /^the token in secret ns\/s for service account ns\/web has been marked invalid\. /);
});
