import assert from "node:assert/strict";
import { createDecipheriv } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { UnreadableValueError } from "../store.ts";
import { newKey } from "./key-file.ts";
import { ValueCipher } from "./value-cipher.ts";

const KEY = "/registry/secrets/default/a";
const value = Buffer.from('{"kind":"Secret"}');
const key = newKey();
const cipher = new ValueCipher([key]);

test("ValueCipher.seal() gives what upstream's aesgcm provider reads: prefix, key's name, nonce, ciphertext and tag, bound to the storage key", () => {
  const sealed = Buffer.from(cipher.seal(KEY, value));
  const prefix = `k8s:enc:aesgcm:v1:${key.name}:`;
  assert.equal(sealed.toString("latin1", 0, prefix.length), prefix);
  const rest = sealed.subarray(prefix.length);
  assert.equal(rest.length, 12 + value.length + 16);
  const plain = createDecipheriv("aes-256-gcm", key.secret, rest.subarray(0, 12)).setAAD(Buffer.from(KEY)).setAuthTag(rest.subarray(-16));
  assert.deepEqual(Buffer.concat([plain.update(rest.subarray(12, -16)), plain.final()]), value);
  assert.notDeepEqual(cipher.seal(KEY, value), cipher.seal(KEY, value));
});

test("ValueCipher.open() gives back what was sealed, and refuses it with any bit changed", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(), fc.nat(7), (bytes, at, bit) => {
      const sealed = cipher.seal(KEY, bytes);
      assert.deepEqual([...cipher.open(KEY, sealed)], [...bytes]);
      const head = `k8s:enc:aesgcm:v1:${key.name}:`.length;
      sealed[head + (at % (sealed.length - head))]! ^= 1 << bit;
      assert.throws(() => cipher.open(KEY, sealed), UnreadableValueError);
    }),
  );
});

test("ValueCipher.open() refuses a value that was copied to another storage key", () => {
  const sealed = cipher.seal(KEY, value);
  assert.throws(
    () => cipher.open("/registry/secrets/default/b", sealed),
    /unable to transform key "\/registry\/secrets\/default\/b": cipher: message authentication failed/,
  );
});

for (const { name, stored } of [
  { name: "of a key that is not there", stored: new ValueCipher([newKey()]).seal(KEY, value) },
  { name: "of another provider", stored: Buffer.from("k8s:enc:aescbc:v1:key1:0123456789012345678901234567890123456789") },
  { name: "that is cut", stored: cipher.seal(KEY, value).subarray(0, 40) },
  { name: "without a name's end", stored: Buffer.from("k8s:enc:aesgcm:v1:key") },
]) {
  test(`ValueCipher.open() refuses a value ${name}`, () => assert.throws(() => cipher.open(KEY, stored), UnreadableValueError));
}

test("ValueCipher reads plain values and those of older keys, and says so", () => {
  const newer = new ValueCipher([newKey(), key]);
  const [old, plain] = [cipher.seal(KEY, value), value];
  assert.deepEqual([newer.stateOf(old), newer.stateOf(plain), newer.stateOf(newer.seal(KEY, value))], ["stale", "plain", "current"]);
  assert.deepEqual([Buffer.from(newer.open(KEY, old)), newer.open(KEY, plain)], [value, plain]);
  assert.equal(new ValueCipher([key], false).seal(KEY, value), value);
});
