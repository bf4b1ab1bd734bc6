import "reflect-metadata";

import { webcrypto } from "node:crypto";

import * as x509 from "@peculiar/x509";

import { pemOf } from "./test-pki.ts";

export interface TestRequest {
  /** `O=a,CN=b` */
  readonly subject: string;
  readonly names?: readonly { readonly type: "dns" | "ip" | "email" | "url"; readonly value: string }[];
  /** P-256 by default. */
  readonly algorithm?: { readonly name: string; readonly [parameter: string]: unknown };
}

const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/**
 * A PKCS #10 request, and the key that it is about.
 *
 * @returns the request as base64 of PEM, which is how a CertificateSigningRequest carries it; the key as PEM
 */
export async function testRequest({ subject, names = [], algorithm = P256 }: TestRequest): Promise<{ readonly request: string; readonly key: string }> {
  x509.cryptoProvider.set(webcrypto as never);
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const alternative = new x509.SubjectAlternativeNameExtension([...names], names.length > 1);
  const usage = new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys: keys as never,
    signingAlgorithm: algorithm as never,
    extensions: names.length === 0 ? [] : [usage, alternative],
  });
  const key = await pemOf(keys.privateKey);
  return { request: Buffer.from(`${request.toString("pem")}\n`).toString("base64"), key };
}
