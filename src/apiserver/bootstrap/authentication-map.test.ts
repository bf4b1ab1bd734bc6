import assert from "node:assert/strict";
import { test } from "node:test";

import { testPki } from "#test/pki/test-pki.ts";

import { combinedAuthentication } from "./authentication-map.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const [one, other] = await Promise.all([testPki(), testPki()]);
const pem = ({ ca }: { readonly ca: string }) => `${ca.trimEnd()}\n`;

test("combinedAuthentication() is the server's own where it is alone", () => {
  const own = { "client-ca-file": pem(one), "requestheader-allowed-names": '["front-proxy"]' };
  assert.deepEqual(combinedAuthentication({}, own, NOW), own);
  assert.deepEqual(combinedAuthentication(own, own, NOW), own);
});

test("combinedAuthentication() keeps what other servers have said, each once", () => {
  const theirs = { "requestheader-client-ca-file": pem(one), "requestheader-allowed-names": '["a","b"]', "requestheader-uid-headers": "no list" };
  const own = { "requestheader-client-ca-file": pem(other), "requestheader-allowed-names": '["b","c"]', "requestheader-uid-headers": '["X-Remote-Uid"]' };
  const both = combinedAuthentication(theirs, own, NOW);
  assert.deepEqual(both, {
    "requestheader-client-ca-file": pem(one) + pem(other),
    "requestheader-allowed-names": '["a","b","c"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
  });
  assert.deepEqual(combinedAuthentication(both, own, NOW), both);
});

test("combinedAuthentication() forgets authorities that have ended, and what is none", () => {
  const long = Date.parse("2060-01-01T00:00:00Z");
  const garbage = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n";
  const bundle = (theirs: string, ours: string, nowMs: number) =>
    combinedAuthentication({ "client-ca-file": theirs }, { "client-ca-file": ours }, nowMs)["client-ca-file"];
  assert.equal(bundle(pem(one), pem(other), long), "");
  assert.equal(bundle(garbage, pem(one), NOW), pem(one));
});
