/** One element of DER: its tag and where its content stands. */
interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** What follows the element. */
  readonly rest: Buffer;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const OBJECT_ID = 0x06;
const UTF16_STRING = 0x1e;
/** 2.5.4.10 */
const ORGANIZATION = "55040a";
const PEM = /-----BEGIN CERTIFICATE REQUEST-----([^-]*)-----END CERTIFICATE REQUEST-----/;

/**
 * The organizations in the subject of a PKCS #10 request.
 *
 * @param base64 of PEM, as a CertificateSigningRequest carries it
 * @throws {Error} when it is no such request
 */
export function requestedOrganizations(base64: string): string[] {
  const pem = PEM.exec(Buffer.from(base64, "base64").toString("latin1"));
  if (pem === null) throw new Error("PEM block type must be CERTIFICATE REQUEST");
  const request = element(Buffer.from(pem[1]!, "base64"), SEQUENCE);
  const info = element(request.content, SEQUENCE);
  const subject = element(element(info.content, INTEGER).rest, SEQUENCE);
  return elements(subject.content, SET)
    .flatMap(({ content }) => elements(content, SEQUENCE))
    .flatMap(({ content }) => {
      const type = element(content, OBJECT_ID);
      return type.content.toString("hex") === ORGANIZATION ? [text(element(type.rest))] : [];
    });
}

function text({ tag, content }: Element): string {
  return tag === UTF16_STRING ? Buffer.from(content).swap16().toString("utf16le") : content.toString("utf8");
}

function elements(bytes: Buffer, tag: number): Element[] {
  const found: Element[] = [];
  for (let rest = bytes; rest.length > 0; rest = found.at(-1)!.rest) found.push(element(rest, tag));
  return found;
}

/** @param tag what it must be; any, when absent */
function element(bytes: Buffer, tag?: number): Element {
  const [found = -1, first = -1] = bytes;
  const lengthBytes = first > 0x80 ? first - 0x80 : 0;
  const start = 2 + lengthBytes;
  if (first < 0 || first === 0x80 || lengthBytes > 4 || bytes.length < start) throw new Error("asn1: structure error: syntax error");
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  if (bytes.length < start + length) throw new Error("asn1: syntax error: data truncated");
  if (tag !== undefined && found !== tag) throw new Error("asn1: structure error: tags don't match");
  return { tag: found, content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}
