import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";

import type { KubeObject } from "#apimachinery/object.ts";
import { JwtKey } from "#apiserver/authn/jwt.ts";
import type { TokenClaims } from "#apiserver/authn/jwt.ts";
import { ServiceAccountTokens } from "#apiserver/authn/service-account-tokens.ts";
import { SimClock } from "#lib/sim-clock.ts";

const newKey = () => new JwtKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
const START_S = 1_900_000_000;

function world() {
  const clock = new SimClock(START_S * 1000);
  const key = newKey();
  const accounts = new Map([["ns/web", { metadata: { name: "web", uid: "u1" } } as KubeObject]]);
  const tokens = new ServiceAccountTokens({
    key,
    issuer: "iss",
    audiences: ["api"],
    clock,
    lookup: (_plural, namespace, name) => accounts.get(`${namespace}/${name}`),
  });
  const claims: TokenClaims = {
    iss: "iss",
    sub: "system:serviceaccount:ns:web",
    aud: ["api"],
    iat: START_S,
    nbf: START_S,
    exp: START_S + 600,
    jti: "j",
    "kubernetes.io": { namespace: "ns", serviceaccount: { name: "web", uid: "u1" } },
  };
  return { clock, key, accounts, tokens, claims };
}

test("ServiceAccountTokens knows the account of a token it signed", () => {
  const { tokens, key, claims } = world();
  const user = tokens.authenticate(key.sign(claims));
  assert.equal(user?.name, "system:serviceaccount:ns:web");
  assert.deepEqual(user?.groups, ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"]);
});

for (const { name, change } of [
  { name: "of another issuer", change: { iss: "other" } },
  { name: "for another audience", change: { aud: ["vault"] } },
  { name: "that has expired", change: { exp: START_S - 120 } },
  { name: "that does not hold yet", change: { nbf: START_S + 120 } },
  { name: "of an account made anew", change: { "kubernetes.io": { namespace: "ns", serviceaccount: { name: "web", uid: "u2" } } } },
]) {
  test(`ServiceAccountTokens refuses a token ${name}`, () => {
    const { tokens, key, claims } = world();
    assert.equal(tokens.authenticate(key.sign({ ...claims, ...change })), undefined);
  });
}

test("ServiceAccountTokens refuses foreign signatures, changed claims and garbage", () => {
  const { tokens, key, claims } = world();
  assert.equal(tokens.authenticate(newKey().sign(claims)), undefined);
  const [header, , signature] = key.sign(claims).split(".");
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: "x" })).toString("base64url");
  assert.equal(tokens.authenticate(`${header}.${forged}.${signature}`), undefined);
  for (const token of ["", "a.b.c", "a.b", "a.b.c.d"]) assert.equal(tokens.authenticate(token), undefined);
});

test("ServiceAccountTokens refuses a remembered token once its account is gone", () => {
  const { tokens, key, accounts, claims } = world();
  const token = key.sign(claims);
  assert.ok(tokens.authenticate(token));
  accounts.clear();
  assert.equal(tokens.authenticate(token), undefined);
});
