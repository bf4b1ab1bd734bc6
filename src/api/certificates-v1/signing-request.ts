import { createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";

import { DER, derElement } from "#lib/der.ts";

/** The text of a PEM block is base64; headers would stand before it. */
const BLOCK = /-----BEGIN ([^\n-]+)-----\r?\n([\s\S]*?)-----END \1-----/g;
const REQUEST = "CERTIFICATE REQUEST";
const CERTIFICATE = "CERTIFICATE";

/** The hash that goes with a signature, by the algorithm's object identifier; `null` where the algorithm has its own. */
const HASHES: Readonly<Record<string, string | null>> = {
  "2a864886f70d01010b": "sha256", // RSA, PKCS #1
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d040302": "sha256", // ECDSA
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  "2b6570": null, // Ed25519
};

/**
 * What is wrong with a PKCS #10 request: its form, or its signature.
 *
 * @param base64 of PEM, as a CertificateSigningRequest carries it
 * @returns `undefined` when it is sound
 * @see kubernetes pkg/apis/certificates/validation/validation.go, validateCSR
 */
export function requestFault(base64: string): string | undefined {
  const [block] = blocksOf(base64);
  if (block?.type !== REQUEST) return "PEM block type must be CERTIFICATE REQUEST";
  try {
    return signatureFault(Buffer.from(block.body, "base64"));
  } catch (error) {
    return (error as Error).message;
  }
}

function signatureFault(der: Buffer): string | undefined {
  const info = derElement(derElement(der, DER.sequence).content, DER.sequence);
  const algorithm = derElement(info.rest, DER.sequence);
  const signature = derElement(algorithm.rest, DER.bitString).content.subarray(1); // the first byte counts unused bits
  const hash = HASHES[derElement(algorithm.content, DER.objectId).content.toString("hex")];
  if (hash === undefined) return "x509: cannot verify signature: algorithm unimplemented";
  const subject = derElement(derElement(info.content, DER.integer).rest, DER.sequence);
  const key = publicKey(derElement(subject.rest, DER.sequence).whole);
  if (verify(hash, info.whole, key, signature)) return undefined;
  const isRsa = key.asymmetricKeyType === "rsa";
  return isRsa ? "crypto/rsa: verification error" : `x509: ${key.asymmetricKeyType === "ec" ? "ECDSA" : "Ed25519"} verification failure`;
}

function publicKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: "der", type: "spki" });
  } catch {
    throw new Error("x509: failed to parse public key");
  }
}

/**
 * What is wrong with the certificates that a signer gave.
 *
 * @param base64 of PEM; nothing is fine
 */
export function certificateFault(base64: string | undefined): string | undefined {
  if (!base64) return undefined;
  const blocks = blocksOf(base64);
  for (const { type, body, text } of blocks) {
    if (type !== CERTIFICATE) return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (body.includes(":")) return "no PEM block headers are permitted";
    try {
      new X509Certificate(text);
    } catch {
      return "x509: malformed certificate";
    }
  }
  return blocks.length === 0 ? "must contain at least one CERTIFICATE PEM block" : undefined;
}

function blocksOf(base64: string): { readonly type: string; readonly body: string; readonly text: string }[] {
  const pem = Buffer.from(base64, "base64").toString("latin1");
  return Array.from(pem.matchAll(BLOCK), ([text, type, body]) => ({ type: type!, body: body!, text }));
}
