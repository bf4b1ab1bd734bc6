// reflect-metadata comes first: x509's decorators read it while they load.
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { createPublicKey } from "node:crypto";
import type { Authority } from "./authority.ts";
import { importKey, importPublicKey, newSerial, SIGNING } from "./issue.ts";

/** Loading this module takes 100 ms: import it only when something is to be issued. */

const KEY_USAGES: Readonly<Record<string, KeyUsageFlags>> = {
  signing: KeyUsageFlags.digitalSignature,
  "digital signature": KeyUsageFlags.digitalSignature,
  "content commitment": KeyUsageFlags.nonRepudiation,
  "key encipherment": KeyUsageFlags.keyEncipherment,
  "key agreement": KeyUsageFlags.keyAgreement,
  "data encipherment": KeyUsageFlags.dataEncipherment,
  "cert sign": KeyUsageFlags.keyCertSign,
  "crl sign": KeyUsageFlags.cRLSign,
  "encipher only": KeyUsageFlags.encipherOnly,
  "decipher only": KeyUsageFlags.decipherOnly,
};

const PURPOSES: Readonly<Record<string, string>> = {
  any: "2.5.29.37.0",
  "server auth": "1.3.6.1.5.5.7.3.1",
  "client auth": "1.3.6.1.5.5.7.3.2",
  "code signing": "1.3.6.1.5.5.7.3.3",
  "email protection": "1.3.6.1.5.5.7.3.4",
  "s/mime": "1.3.6.1.5.5.7.3.4",
  "ipsec end system": "1.3.6.1.5.5.7.3.5",
  "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
  "ipsec user": "1.3.6.1.5.5.7.3.7",
  timestamping: "1.3.6.1.5.5.7.3.8",
  "ocsp signing": "1.3.6.1.5.5.7.3.9",
  "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
  "netscape sgc": "2.16.840.1.113730.4.1",
};

export interface RequestedCertificate {
  /** DER of PKCS #10, whose signature has been verified. */
  readonly request: Buffer;
  /** As a CertificateSigningRequest names them: `client auth`. */
  readonly usages: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * Certifies the subject, key and alternative names of a request, and nothing else that it asks for. The certificate ends
 * with its authority at the latest.
 *
 * @returns PEM
 */
export async function issueRequested({ request, usages, notBeforeMs, notAfterMs }: RequestedCertificate, ca: Authority): Promise<string> {
  const { subjectName, publicKey, extensions } = new Pkcs10CertificateRequest(new Uint8Array(request));
  const names = extensions.find((extension) => extension instanceof SubjectAlternativeNameExtension);
  const certificate = await X509CertificateGenerator.create({
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(Math.min(notAfterMs, ca.certificate.validToDate.getTime())),
    serialNumber: newSerial(),
    subject: subjectName,
    issuer: ca.certificate.subject.split("\n").join(", "),
    publicKey,
    signingKey: await importKey(ca.key),
    signingAlgorithm: SIGNING,
    extensions: [
      ...usageExtensions(usages),
      new BasicConstraintsExtension(false, undefined, true),
      await AuthorityKeyIdentifierExtension.create(await importPublicKey(createPublicKey(ca.key))),
      ...(names === undefined ? [] : [new SubjectAlternativeNameExtension(names.names.toJSON())]),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

/** @throws {Error} for a usage that has no meaning in a certificate */
function usageExtensions(usages: readonly string[]): Extension[] {
  const unknown = usages.find((usage) => KEY_USAGES[usage] === undefined && PURPOSES[usage] === undefined);
  if (unknown !== undefined) throw new Error(`unrecognized usage: ${unknown}`);
  const flags = usages.flatMap((usage) => KEY_USAGES[usage] ?? []);
  const purposes = new Set(usages.flatMap((usage) => PURPOSES[usage] ?? []));
  return [
    ...(flags.length === 0
      ? []
      : [
          new KeyUsagesExtension(
            flags.reduce((sum, flag) => sum | flag),
            true,
          ),
        ]),
    ...(purposes.size === 0 ? [] : [new ExtendedKeyUsageExtension([...purposes])]),
  ];
}
