import { isIPv4 } from "node:net";

import { DER, type DerElement, derElement, derElements } from "#lib/der.ts";

/** What a PKCS #10 request asks to be certified. */
export interface CertificateRequest {
  /** Of several the last; `""` without any. */
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
}

const PEM = /-----BEGIN CERTIFICATE REQUEST-----([^-]*)-----END CERTIFICATE REQUEST-----/;
/** 2.5.4.3 and 2.5.4.10 */
const [COMMON_NAME, ORGANIZATION] = ["550403", "55040a"];
/** 1.2.840.113549.1.9.14 and 2.5.29.17 */
const [EXTENSION_REQUEST, ALTERNATIVE_NAMES] = ["2a864886f70d01090e", "551d11"];
/** Kinds of alternative names, by their tags. */
const [EMAIL, DNS, URI, IP] = [0x81, 0x82, 0x86, 0x87];

/**
 * @param base64 of PEM, as a CertificateSigningRequest carries it
 * @throws {Error} when it is no such request
 */
export function parseCertificateRequest(base64: string): CertificateRequest {
  const info = derElement(derElement(requestDer(base64), DER.sequence).content, DER.sequence);
  const subject = derElement(derElement(info.content, DER.integer).rest, DER.sequence);
  const attributes = derElement(subject.rest, DER.sequence).rest; // after the public key
  const named = subjectValues(subject.content);
  const names = alternativeNames(attributes);
  const ofKind = (kind: number) => names.filter(({ tag }) => tag === kind);
  const texts = (kind: number) => ofKind(kind).map(({ content }) => content.toString("latin1"));
  return {
    commonName: named(COMMON_NAME!).at(-1) ?? "",
    organizations: named(ORGANIZATION!),
    dnsNames: texts(DNS!),
    ipAddresses: ofKind(IP!).map(({ content }) => addressText(content)),
    emailAddresses: texts(EMAIL!),
    uris: texts(URI!),
  };
}

/** @throws {Error} when it is no PEM of a request */
export function requestDer(base64: string): Buffer {
  const pem = PEM.exec(Buffer.from(base64, "base64").toString("latin1"));
  if (pem === null) throw new Error("PEM block type must be CERTIFICATE REQUEST");
  return Buffer.from(pem[1]!, "base64");
}

function subjectValues(subject: Buffer): (attribute: string) => string[] {
  const pairs = derElements(subject, DER.set)
    .flatMap(({ content }) => derElements(content, DER.sequence))
    .map(({ content }) => derElement(content, DER.objectId))
    .map((type) => ({ attribute: type.content.toString("hex"), value: text(derElement(type.rest)) }));
  return (attribute) => pairs.filter((pair) => pair.attribute === attribute).map(({ value }) => value);
}

function alternativeNames(attributes: Buffer): DerElement[] {
  const extensions = valuesOf(attributes.length === 0 ? attributes : derElement(attributes).content, EXTENSION_REQUEST!).flatMap(({ rest }) =>
    derElements(derElement(rest, DER.set).content, DER.sequence).map(({ content }) => content),
  );
  return extensions.flatMap((list) => valuesOf(list, ALTERNATIVE_NAMES!)).flatMap(({ rest }) => eachElement(derElement(octets(rest), DER.sequence).content));
}

/** Of a list of pairs, the identifiers that are `id`, with what follows them. */
function valuesOf(list: Buffer, id: string): DerElement[] {
  return derElements(list, DER.sequence)
    .map(({ content }) => derElement(content, DER.objectId))
    .filter(({ content }) => content.toString("hex") === id);
}

/** The value of an extension, which may be marked as critical. */
function octets(extension: Buffer): Buffer {
  const first = derElement(extension);
  return first.tag === DER.boolean ? derElement(first.rest, DER.octetString).content : first.content;
}

function eachElement(bytes: Buffer): DerElement[] {
  const found: DerElement[] = [];
  for (let rest = bytes; rest.length > 0; rest = found.at(-1)!.rest) found.push(derElement(rest));
  return found;
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) throw new Error(`x509: cannot parse IP address of length ${bytes.length}`);
  const mapped = bytes.subarray(12).join(".");
  if (bytes.subarray(0, 12).toString("hex") === "00000000000000000000ffff" && isIPv4(mapped)) return mapped;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

function text({ tag, content }: DerElement): string {
  return tag === DER.utf16String ? Buffer.from(content).swap16().toString("utf16le") : content.toString("utf8");
}
