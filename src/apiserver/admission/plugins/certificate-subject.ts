import { DER, type DerElement, derElement, derElements } from "#lib/der.ts";

/** 2.5.4.3 and 2.5.4.10 */
const [COMMON_NAME, ORGANIZATION] = ["550403", "55040a"];
const PEM = /-----BEGIN CERTIFICATE REQUEST-----([^-]*)-----END CERTIFICATE REQUEST-----/;

/**
 * The organizations in the subject of a PKCS #10 request.
 *
 * @param base64 of PEM, as a CertificateSigningRequest carries it
 * @throws {Error} when it is no such request
 */
export function requestedOrganizations(base64: string): string[] {
  return subjectValues(base64, ORGANIZATION);
}

/**
 * The common name in the subject of such a request; of several the last, `""` without any.
 *
 * @throws {Error} when it is no such request
 */
export function requestedName(base64: string): string {
  return subjectValues(base64, COMMON_NAME).at(-1) ?? "";
}

function subjectValues(base64: string, attribute: string): string[] {
  const pem = PEM.exec(Buffer.from(base64, "base64").toString("latin1"));
  if (pem === null) throw new Error("PEM block type must be CERTIFICATE REQUEST");
  const request = derElement(Buffer.from(pem[1]!, "base64"), DER.sequence);
  const info = derElement(request.content, DER.sequence);
  const subject = derElement(derElement(info.content, DER.integer).rest, DER.sequence);
  return derElements(subject.content, DER.set)
    .flatMap(({ content }) => derElements(content, DER.sequence))
    .flatMap(({ content }) => {
      const type = derElement(content, DER.objectId);
      return type.content.toString("hex") === attribute ? [text(derElement(type.rest))] : [];
    });
}

function text({ tag, content }: DerElement): string {
  return tag === DER.utf16String ? Buffer.from(content).swap16().toString("utf16le") : content.toString("utf8");
}
