import { X509Certificate } from "node:crypto";

import { DER, derElement } from "#lib/der.ts";

import { signatureFault } from "./signature.ts";

/** The text of a PEM block is base64; headers would stand before it. */
const BLOCK = /-----BEGIN ([^\n-]+)-----\r?\n([\s\S]*?)-----END \1-----/g;
const REQUEST = "CERTIFICATE REQUEST";
const CERTIFICATE = "CERTIFICATE";

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
    return faultOf(Buffer.from(block.body, "base64"));
  } catch (error) {
    return (error as Error).message;
  }
}

function faultOf(der: Buffer): string | undefined {
  const info = derElement(derElement(der, DER.sequence).content, DER.sequence);
  const algorithm = derElement(info.rest, DER.sequence);
  const signature = derElement(algorithm.rest, DER.bitString).content.subarray(1); // the first byte counts unused bits
  const subject = derElement(derElement(info.content, DER.integer).rest, DER.sequence);
  const key = derElement(subject.rest, DER.sequence).whole;
  return signatureFault({ content: info.whole, algorithm: algorithm.content, signature, key });
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
