import assert from "node:assert/strict";
import { createSign, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";

import { requestFault } from "./signing-request.ts";
import { signatureFault } from "./signature.ts";

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const CONTENT = Buffer.from("what is signed");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const small = generateKeyPairSync("rsa", { modulusLength: 512 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const odd = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
const ed = generateKeyPairSync("ed25519");

const element = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  assert.ok(content.length < 128);
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
};
const id = (hex: string) => element(6, Buffer.from(hex, "hex"));
const NULL = Buffer.from([5, 0]);
const number = (value: number) => element(2, Buffer.from([value]));

/** The parameters of PSS, as RFC 4055 has them. */
function pss({
  hash,
  mask = hash,
  salt,
  trailer,
}: {
  readonly hash: string;
  readonly mask?: string;
  readonly salt: number;
  readonly trailer?: number;
}): Buffer {
  const hashOf = (each: string) => element(0x30, id(each), NULL);
  const parts = [
    element(0xa0, hashOf(hash)),
    element(0xa1, element(0x30, id("2a864886f70d010108"), hashOf(mask))),
    element(0xa2, number(salt)),
    ...(trailer === undefined ? [] : [element(0xa3, number(trailer))]),
  ];
  return Buffer.concat([id("2a864886f70d01010a"), element(0x30, ...parts)]);
}

const SHA256 = "608648016503040201";
const SHA384 = "608648016503040202";

const faultOf = (algorithm: Buffer, key: KeyObject, signature: Buffer) =>
  signatureFault({ content: CONTENT, algorithm, signature, key: key.export({ format: "der", type: "spki" }) });
const plain = (hex: string, hash: string, { privateKey, publicKey }: Pair = rsa) =>
  faultOf(id(hex), publicKey, createSign(hash).update(CONTENT).sign(privateKey));
const pssSigned = (parameters: Parameters<typeof pss>[0], hash = "sha256", saltLength = 32) =>
  faultOf(pss(parameters), rsa.publicKey, sign(hash, CONTENT, { key: rsa.privateKey, padding: 6, saltLength }));

const UNKNOWN = "x509: cannot verify signature: algorithm unimplemented";

for (const { name, fault, want } of [
  { name: "RSA with SHA-256", fault: plain("2a864886f70d01010b", "sha256"), want: undefined },
  { name: "RSA with SHA-1, which requests may have", fault: plain("2a864886f70d010105", "sha1"), want: undefined },
  { name: "the same by its other name", fault: plain("2b0e03021d", "sha1"), want: undefined },
  { name: "ECDSA with SHA-1", fault: plain("2a8648ce3d0401", "sha1", ec), want: undefined },
  { name: "Ed25519", fault: faultOf(id("2b6570"), ed.publicKey, sign(null, CONTENT, ed.privateKey)), want: undefined },
  { name: "Ed25519 with parameters", fault: faultOf(Buffer.concat([id("2b6570"), NULL]), ed.publicKey, sign(null, CONTENT, ed.privateKey)), want: UNKNOWN },
  { name: "PSS with SHA-256", fault: pssSigned({ hash: SHA256, salt: 32 }), want: undefined },
  { name: "PSS with SHA-384 and a trailer", fault: pssSigned({ hash: SHA384, salt: 48, trailer: 1 }, "sha384", 48), want: undefined },
  { name: "PSS whose salt is of another length", fault: pssSigned({ hash: SHA256, salt: 20 }, "sha256", 20), want: UNKNOWN },
  { name: "PSS of two hashes", fault: pssSigned({ hash: SHA256, mask: SHA384, salt: 32 }), want: UNKNOWN },
  { name: "PSS with another trailer", fault: pssSigned({ hash: SHA256, salt: 32, trailer: 2 }), want: UNKNOWN },
  { name: "PSS whose signature has another salt", fault: pssSigned({ hash: SHA256, salt: 32 }, "sha256", 20), want: "crypto/rsa: verification error" },
  { name: "MD5", fault: plain("2a864886f70d010104", "md5"), want: "x509: cannot verify signature: insecure algorithm MD5-RSA" },
  {
    name: "an algorithm of other keys",
    fault: plain("2a8648ce3d040302", "sha256"),
    want: "x509: signature algorithm specifies an ECDSA public key, but have public key of type *rsa.PublicKey",
  },
  {
    name: "DSA",
    fault: plain("2a8648ce380403", "sha1"),
    want: "x509: signature algorithm specifies an DSA public key, but have public key of type *rsa.PublicKey",
  },
  { name: "what nobody knows", fault: plain("2a0304", "sha256"), want: UNKNOWN },
  {
    name: "a key that is too short",
    fault: plain("2a864886f70d01010b", "sha256", small),
    want: "crypto/rsa: 512-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)",
  },
  { name: "a wrong hash", fault: plain("2a864886f70d01010b", "sha384"), want: "crypto/rsa: verification error" },
]) {
  test(`signatureFault() says of ${name}: ${want ?? "nothing"}`, () => assert.equal(fault, want));
}

test("signatureFault() refuses curves that Go does not have", () => {
  assert.throws(() => plain("2a8648ce3d040302", "sha256", odd), { message: "x509: unsupported elliptic curve" });
});

test("requestFault() tells what is no request", () => {
  const pem = (type: string, body: string) => Buffer.from(`-----BEGIN ${type}-----\n${body}\n-----END ${type}-----\n`).toString("base64");
  assert.equal(requestFault(pem("CERTIFICATE", "AAAA")), "PEM block type must be CERTIFICATE REQUEST");
  assert.equal(requestFault(pem("CERTIFICATE REQUEST", "AAAA")), "asn1: structure error: tags don't match");
});
