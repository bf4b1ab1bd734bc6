// reflect-metadata comes first: x509's decorators read it while they load.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { Authority } from "./authority.ts";

/** Loading this module takes 100 ms: import it only when something is to be issued. */

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
export const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const LEAF_DAYS = 365;
/** Certificates begin a little in the past, for machines whose clocks are behind. */
const BACKDATE_MS = 300_000;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

export interface LeafRequest {
  readonly commonName: string;
  readonly organization?: string;
  readonly usage: "server" | "client";
  readonly names: readonly string[];
}

/** A key as PEM (PKCS 8), ECDSA P-256. */
export async function newKey(): Promise<string> {
  return exportKey((await generatePair()).privateKey);
}

/**
 * A certificate for an authority's key, signed by itself.
 *
 * @returns PEM
 */
export async function issueCa(commonName: string, keyPem: string, nowMs: number): Promise<string> {
  const key = createPrivateKey(keyPem);
  const publicKey = await importPublicKey(createPublicKey(key));
  const certificate = await X509CertificateGenerator.create({
    ...validity(nowMs, nowMs + CA_DAYS * DAY_MS),
    serialNumber: newSerial(),
    subject: [{ CN: [commonName] }],
    issuer: [{ CN: [commonName] }],
    publicKey,
    signingKey: await importKey(key),
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

/** It ends with its authority at the latest. */
export async function issueLeaf(request: LeafRequest, ca: Authority, nowMs: number): Promise<Issued> {
  const pair = await generatePair();
  const { commonName, organization, usage, names } = request;
  const subject = organization === undefined ? [{ CN: [commonName] }] : [{ O: [organization] }, { CN: [commonName] }];
  const sans = names.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value }));
  const certificate = await X509CertificateGenerator.create({
    ...validity(nowMs, Math.min(nowMs + LEAF_DAYS * DAY_MS, ca.certificate.validToDate.getTime())),
    serialNumber: newSerial(),
    subject,
    issuer: ca.certificate.subject.split("\n").join(", "),
    publicKey: pair.publicKey,
    signingKey: await importKey(ca.key),
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage === "server" ? SERVER_AUTH : CLIENT_AUTH]),
      ...(sans.length > 0 ? [new SubjectAlternativeNameExtension(sans)] : []),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await exportKey(pair.privateKey) };
}

function generatePair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
}

export function importPublicKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("spki", new Uint8Array(key.export({ type: "spki", format: "der" })), CURVE, true, ["verify"]);
}

export function importKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", new Uint8Array(key.export({ type: "pkcs8", format: "der" })), CURVE, false, ["sign"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${(der.match(/.{1,64}/g) ?? []).join("\n")}\n-----END PRIVATE KEY-----\n`;
}

function validity(nowMs: number, endMs: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(endMs) };
}

/** Positive and 16 bytes long, whatever the first bit is. */
export function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
