import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

const BLOCK = /^-----BEGIN ([^\n-]+)-----\r?\n[\s\S]*?^-----END \1-----/gm;

interface PemBlock {
  readonly type: string;
  readonly text: string;
}

/**
 * What is wrong with a certificate and its key in PEM, in the words of Go's crypto/tls.
 *
 * @returns `undefined` when they belong together
 */
export function keyPairFault(certificates: string, key: string): string | undefined {
  const certificateBlocks = pemBlocks(certificates);
  const certificate = certificateBlocks.find(({ type }) => type === "CERTIFICATE");
  if (certificate === undefined) return certificateFault(certificateBlocks.map(({ type }) => type));
  const keyBlocks = pemBlocks(key);
  const privateKey = keyBlocks.find(({ type }) => type === "PRIVATE KEY" || type.endsWith(" PRIVATE KEY"));
  if (privateKey === undefined) return keyFault(keyBlocks.map(({ type }) => type));
  return mismatch(certificate, privateKey);
}

function certificateFault(skipped: readonly string[]): string {
  if (skipped.length === 0) return "tls: failed to find any PEM data in certificate input";
  if (skipped.length === 1 && skipped[0]!.endsWith("PRIVATE KEY")) {
    return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
  }
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${skipped.join(" ")}]`;
}

function keyFault(skipped: readonly string[]): string {
  if (skipped.length === 0) return "tls: failed to find any PEM data in key input";
  if (skipped.length === 1 && skipped[0] === "CERTIFICATE") return "tls: found a certificate rather than a key in the PEM for the private key";
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${skipped.join(" ")}]`;
}

function mismatch(certificateBlock: PemBlock, keyBlock: PemBlock): string | undefined {
  const certificate = parsed(() => new X509Certificate(certificateBlock.text));
  if (certificate === undefined) return "x509: malformed certificate";
  const key: KeyObject | undefined = parsed(() => createPrivateKey(keyBlock.text));
  if (key === undefined) return "tls: failed to parse private key";
  if (certificate.publicKey.asymmetricKeyType !== key.asymmetricKeyType) return "tls: private key type does not match public key type";
  return certificate.checkPrivateKey(key) ? undefined : "tls: private key does not match public key";
}

function pemBlocks(text: string): PemBlock[] {
  return Array.from(text.matchAll(BLOCK), ([block, type]) => ({ type: type!, text: block }));
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
