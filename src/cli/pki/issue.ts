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
import { createPrivateKey, type KeyObject, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** Loading this module takes 100 ms: import it only when something is to be issued. */

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
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

export async function issueCa(commonName: string, nowMs: number): Promise<Issued> {
  const pair = await generatePair();
  const certificate = await X509CertificateGenerator.create({
    ...validity(nowMs, CA_DAYS),
    serialNumber: newSerial(),
    subject: [{ CN: [commonName] }],
    issuer: [{ CN: [commonName] }],
    publicKey: pair.publicKey,
    signingKey: pair.privateKey,
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(pair.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await exportKey(pair.privateKey) };
}

/** @param ca PEM of the CA's certificate and key */
export async function issueLeaf(request: LeafRequest, ca: Issued, nowMs: number): Promise<Issued> {
  const pair = await generatePair();
  const { commonName, organization, usage, names } = request;
  const subject = organization === undefined ? [{ CN: [commonName] }] : [{ O: [organization] }, { CN: [commonName] }];
  const sans = names.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value }));
  const certificate = await X509CertificateGenerator.create({
    ...validity(nowMs, LEAF_DAYS),
    serialNumber: newSerial(),
    subject,
    issuer: new X509Certificate(ca.certificate).subject.split("\n").join(", "),
    publicKey: pair.publicKey,
    signingKey: await importKey(createPrivateKey(ca.key)),
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

function importKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", new Uint8Array(key.export({ type: "pkcs8", format: "der" })), CURVE, false, ["sign"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${(der.match(/.{1,64}/g) ?? []).join("\n")}\n-----END PRIVATE KEY-----\n`;
}

function validity(nowMs: number, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

/** Positive and 16 bytes long, whatever the first bit is. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
