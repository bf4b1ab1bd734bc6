import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";

import type { Secret } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { keyPairFault } from "./key-pair.ts";
import { secretStrategy } from "./strategy.ts";

const secret = (fields: object) => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "a" }, ...fields }) as unknown as Mutable<Secret>;
const base64 = (text: string) => Buffer.from(text).toString("base64");

test("secretStrategy takes stringData over into data, where it wins", () => {
  const object = secret({ data: { a: base64("old"), b: base64("kept") }, stringData: { a: "new" } });
  secretStrategy.applyDefaults?.(object);
  assert.deepEqual(object, secret({ type: "Opaque", data: { a: base64("new"), b: base64("kept") } }));
});

for (const { type, data, want } of [
  { type: "Opaque", data: {}, want: [] },
  { type: "kubernetes.io/tls", data: {}, want: ["data[tls.crt]: Required value", "data[tls.key]: Required value"] },
  { type: "kubernetes.io/basic-auth", data: { password: "" }, want: [] },
  { type: "kubernetes.io/ssh-auth", data: { "ssh-privatekey": "" }, want: ["data[ssh-privatekey]: Required value"] },
  {
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": base64("[]") },
    want: ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}'],
  },
  { type: "kubernetes.io/service-account-token", data: {}, want: ["metadata.annotations[kubernetes.io/service-account.name]: Required value"] },
]) {
  test(`secretStrategy.validateCreate() asks of ${type}: ${want.join() || "nothing"}`, () => {
    const errors = secretStrategy.validateCreate?.(secret({ type, data }) as Secret) ?? [];
    assert.deepEqual(
      errors.map(({ field, text }) => `${field}: ${text}`),
      want,
    );
  });
}

test("secretStrategy.validateUpdate() keeps the type, and what is immutable", () => {
  const old = secret({ type: "Opaque", immutable: true, data: { a: "" } }) as Secret;
  const errors = secretStrategy.validateUpdate?.(secret({ type: "x", data: {} }) as Secret, old) ?? [];
  assert.deepEqual(
    errors.map(({ field }) => field),
    ["type", "immutable", "data"],
  );
});

test("keyPairFault() tells what is missing in Go's words", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  assert.equal(keyPairFault("", key), "tls: failed to find any PEM data in certificate input");
  assert.match(keyPairFault(key, key) ?? "", /PEM inputs may have been switched$/);
});
