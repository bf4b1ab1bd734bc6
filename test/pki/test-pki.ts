import "reflect-metadata";

import { KeyObject, webcrypto, X509Certificate } from "node:crypto";

import * as x509 from "@peculiar/x509";

import type { Authority } from "#cli/pki/authority.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const YEAR_MS = 365 * 24 * 3600 * 1000;
const START = new Date("2020-01-01T00:00:00Z");
const END = new Date(START.getTime() + 30 * YEAR_MS);

/** PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface TestPki {
  readonly ca: string;
  readonly authority: Authority;
  readonly server: Pair;
  client(name: string, groups?: readonly string[]): Promise<Pair>;
  /** An authority of its own, for those who may name other users, and one of them. */
  readonly frontProxy: { readonly ca: string; readonly client: Pair };
  /** A server certificate for those DNS names. */
  serving(...names: readonly string[]): Promise<Pair>;
}

/** A throw-away authority with a server certificate for 127.0.0.1. */
export async function testPki(): Promise<TestPki> {
  x509.cryptoProvider.set(webcrypto as never);
  const cluster = await newAuthority("CN=test-ca");
  const proxies = await newAuthority("CN=test-front-proxy-ca");
  const names = new x509.SubjectAlternativeNameExtension([
    { type: "ip", value: "127.0.0.1" },
    { type: "dns", value: "localhost" },
  ]);
  return {
    ca: cluster.pem,
    authority: cluster.authority,
    server: await cluster.issue("CN=kube-apiserver", [names]),
    frontProxy: { ca: proxies.pem, client: await proxies.issue("CN=front-proxy", []) },
    serving: (...dns) =>
      cluster.issue("CN=test-server", dns.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(dns.map((value) => ({ type: "dns", value })))]),
    client: (name, groups = []) => cluster.issue([...groups.map((group) => `O=${group}`), `CN=${name}`].join(", "), []),
  };
}

async function newAuthority(name: string) {
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    notBefore: START,
    notAfter: END,
    signingAlgorithm: ALGORITHM,
    keys: keys as never,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  let serial = 1;
  const issue = async (subject: string, extensions: x509.Extension[]): Promise<Pair> => {
    const own = await newKeys();
    const cert = await x509.X509CertificateGenerator.create({
      serialNumber: (++serial).toString(16).padStart(2, "0"),
      subject,
      issuer: ca.subject,
      notBefore: START,
      notAfter: END,
      signingAlgorithm: ALGORITHM,
      publicKey: own.publicKey as never,
      signingKey: keys.privateKey as never,
      extensions,
    });
    return { cert: cert.toString("pem"), key: await pemOf(own.privateKey) };
  };
  const pem = ca.toString("pem");
  return { pem, authority: { certificate: new X509Certificate(pem), key: KeyObject.from(keys.privateKey), pem }, issue };
}

function newKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

export async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END PRIVATE KEY-----\n`;
}
