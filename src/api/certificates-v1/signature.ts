import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";

import { DER, derElement } from "#lib/der.ts";

type KeyKind = "RSA" | "DSA" | "ECDSA" | "Ed25519";

interface Algorithm {
  readonly name: string;
  readonly key: KeyKind;
  /** `null` where the algorithm has its own. */
  readonly hash: string | null;
  /** Of PSS, in bytes; as long as the hash. */
  readonly saltLength?: number;
}

/** What Go's crypto/x509 knows, by the algorithm's object identifier. Requests may be signed by SHA-1, certificates may not. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  "2a864886f70d010104": { name: "MD5-RSA", key: "RSA", hash: "md5" },
  "2a864886f70d010105": { name: "SHA1-RSA", key: "RSA", hash: "sha1" },
  "2b0e03021d": { name: "SHA1-RSA", key: "RSA", hash: "sha1" },
  "2a864886f70d01010b": { name: "SHA256-RSA", key: "RSA", hash: "sha256" },
  "2a864886f70d01010c": { name: "SHA384-RSA", key: "RSA", hash: "sha384" },
  "2a864886f70d01010d": { name: "SHA512-RSA", key: "RSA", hash: "sha512" },
  "2a8648ce380403": { name: "DSA-SHA1", key: "DSA", hash: "sha1" },
  "608648016503040302": { name: "DSA-SHA256", key: "DSA", hash: "sha256" },
  "2a8648ce3d0401": { name: "ECDSA-SHA1", key: "ECDSA", hash: "sha1" },
  "2a8648ce3d040302": { name: "ECDSA-SHA256", key: "ECDSA", hash: "sha256" },
  "2a8648ce3d040303": { name: "ECDSA-SHA384", key: "ECDSA", hash: "sha384" },
  "2a8648ce3d040304": { name: "ECDSA-SHA512", key: "ECDSA", hash: "sha512" },
};
const ED25519 = "2b6570";
const RSA_PSS = "2a864886f70d01010a";
const MGF1 = "2a864886f70d010108";
const PSS_HASHES: Readonly<Record<string, Algorithm>> = {
  "608648016503040201": { name: "SHA256-RSAPSS", key: "RSA", hash: "sha256", saltLength: 32 },
  "608648016503040202": { name: "SHA384-RSAPSS", key: "RSA", hash: "sha384", saltLength: 48 },
  "608648016503040203": { name: "SHA512-RSAPSS", key: "RSA", hash: "sha512", saltLength: 64 },
};
const NULL = Buffer.from([5, 0]);

const UNKNOWN = "x509: cannot verify signature: algorithm unimplemented";
const GO_TYPES: Readonly<Record<KeyKind, string>> = { RSA: "*rsa.PublicKey", DSA: "*dsa.PublicKey", ECDSA: "*ecdsa.PublicKey", Ed25519: "ed25519.PublicKey" };
const KEY_KINDS: Readonly<Record<string, KeyKind>> = { rsa: "RSA", dsa: "DSA", ec: "ECDSA", ed25519: "Ed25519" };
const CURVES = ["secp224r1", "prime256v1", "secp384r1", "secp521r1"];
const MIN_RSA_BITS = 1024;

export interface Signed {
  readonly content: Buffer;
  /** What stands in the AlgorithmIdentifier. */
  readonly algorithm: Buffer;
  readonly signature: Buffer;
  /** The SubjectPublicKeyInfo. */
  readonly key: Buffer;
}

/**
 * What is wrong with a request's signature.
 *
 * @see Go 1.25 crypto/x509 x509.go checkSignature, with SHA-1 allowed
 */
export function signatureFault({ content, algorithm: identifier, signature, key: spki }: Signed): string | undefined {
  const algorithm = algorithmOf(identifier);
  const key = publicKey(spki);
  if (algorithm === undefined) return UNKNOWN;
  if (algorithm.hash === "md5") return `x509: cannot verify signature: insecure algorithm ${algorithm.name}`;
  const kind = key === undefined ? undefined : KEY_KINDS[key.asymmetricKeyType ?? ""];
  if (key === undefined || kind === undefined || kind === "DSA") return UNKNOWN;
  if (kind !== algorithm.key) return `x509: signature algorithm specifies an ${algorithm.key} public key, but have public key of type ${GO_TYPES[kind]}`;
  const bits = key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
  if (bits < MIN_RSA_BITS) return `crypto/rsa: ${bits}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)`;
  const { hash, saltLength } = algorithm;
  const by = saltLength === undefined ? key : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  if (verify(hash, content, by, signature)) return undefined;
  return kind === "RSA" ? "crypto/rsa: verification error" : `x509: ${kind} verification failure`;
}

/** Keys that no signature is verified by are `undefined`. @throws {Error} for what is none */
function publicKey(spki: Buffer): KeyObject | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: "der", type: "spki" });
  } catch {
    throw new Error("x509: failed to parse public key");
  }
  if (key.asymmetricKeyType === "ec" && !CURVES.includes(key.asymmetricKeyDetails?.namedCurve ?? "")) throw new Error("x509: unsupported elliptic curve");
  return key;
}

function algorithmOf(identifier: Buffer): Algorithm | undefined {
  const { content, rest } = derElement(identifier, DER.objectId);
  const id = content.toString("hex");
  if (id === ED25519) return rest.length === 0 ? { name: "Ed25519", key: "Ed25519", hash: null } : undefined;
  return id === RSA_PSS ? pssAlgorithm(rest) : ALGORITHMS[id];
}

/** PSS has many forms; those are known whose hashes are one, and whose salt is as long as it. */
function pssAlgorithm(parameters: Buffer): Algorithm | undefined {
  try {
    const [hash, rest] = tagged(derElement(parameters, DER.sequence).content, 0);
    const [mask, more] = tagged(rest, 1);
    const [salt, last] = tagged(more, 2);
    const [trailer] = last.length === 0 ? [Buffer.from([2, 1, 1])] : tagged(last, 3);
    const [own, generator] = [idOf(hash), derElement(derElement(mask, DER.sequence).content, DER.objectId)];
    if (generator.content.toString("hex") !== MGF1 || idOf(generator.rest) !== own || numberOf(trailer) !== 1) return undefined;
    const algorithm = PSS_HASHES[own ?? ""];
    return algorithm?.saltLength === numberOf(salt) ? algorithm : undefined;
  } catch {
    return undefined;
  }
}

/** What stands within an explicit tag, and what follows. */
function tagged(bytes: Buffer, tag: number): [content: Buffer, rest: Buffer] {
  const { content, rest } = derElement(bytes, 0xa0 + tag);
  return [content, rest];
}

/** Of a hash that has no parameters. */
function idOf(identifier: Buffer): string | undefined {
  const { content, rest } = derElement(derElement(identifier, DER.sequence).content, DER.objectId);
  return rest.length === 0 || rest.equals(NULL) ? content.toString("hex") : undefined;
}

function numberOf(bytes: Buffer): number {
  const { content } = derElement(bytes, DER.integer);
  return content.length === 1 ? content.readInt8(0) : -1;
}
