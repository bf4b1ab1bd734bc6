// reflect-metadata comes first: x509's decorators read it while they load.
import "reflect-metadata";
import { webcrypto } from "node:crypto";

import { BasicConstraintsExtension, cryptoProvider, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const VALIDITY = { notBefore: new Date("2020-01-01T00:00:00Z"), notAfter: new Date("2049-12-31T00:00:00Z") };

/** PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface TestPki {
  readonly ca: string;
  readonly server: Pair;
  client(name: string, group?: string): Promise<Pair>;
}

/** A throw-away authority with a server certificate for 127.0.0.1. */
export async function testPki(): Promise<TestPki> {
  cryptoProvider.set(webcrypto as never);
  const caKeys = await newKeys();
  const extensions = [new BasicConstraintsExtension(true, undefined, true)];
  const ca = await X509CertificateGenerator.createSelfSigned({ ...VALIDITY, name: "CN=test-ca", signingAlgorithm: SIGNING, keys: caKeys, extensions });
  let serial = 1;
  const issue = async (subject: string, names: readonly string[]): Promise<Pair> => {
    const own = await newKeys();
    const cert = await X509CertificateGenerator.create({
      ...VALIDITY,
      serialNumber: (++serial).toString(16).padStart(2, "0"),
      subject,
      issuer: ca.subject,
      signingAlgorithm: SIGNING,
      publicKey: own.publicKey,
      signingKey: caKeys.privateKey,
      extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names.map((value) => ({ type: "ip", value })))],
    });
    return { cert: cert.toString("pem"), key: await pemOf(own.privateKey) };
  };
  return {
    ca: ca.toString("pem"),
    server: await issue("CN=kubelet", ["127.0.0.1"]),
    client: (name, group) => issue(group === undefined ? `CN=${name}` : `O=${group}, CN=${name}`, []),
  };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${(der.match(/.{1,64}/g) ?? []).join("\n")}\n-----END PRIVATE KEY-----\n`;
}
