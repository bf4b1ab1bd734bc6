/** One element of DER: its tag and where its content stands. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** The element with its tag and length, as it is signed. */
  readonly whole: Buffer;
  /** What follows the element. */
  readonly rest: Buffer;
}

/** The tags that certificates and requests for them are made of. */
export const DER = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, objectId: 0x06, utf16String: 0x1e, sequence: 0x30, set: 0x31 } as const;

/**
 * The element that the bytes begin with.
 *
 * @param tag what it must be; any, when absent
 * @throws {Error} in the words of Go's encoding/asn1
 */
export function derElement(bytes: Buffer, tag?: number): DerElement {
  const [found = -1, first = -1] = bytes;
  const lengthBytes = first > 0x80 ? first - 0x80 : 0;
  const start = 2 + lengthBytes;
  if (first < 0 || first === 0x80 || lengthBytes > 4 || bytes.length < start) throw new Error("asn1: structure error: syntax error");
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  const end = start + length;
  if (bytes.length < end) throw new Error("asn1: syntax error: data truncated");
  if (tag !== undefined && found !== tag) throw new Error("asn1: structure error: tags don't match");
  return { tag: found, content: bytes.subarray(start, end), whole: bytes.subarray(0, end), rest: bytes.subarray(end) };
}

/** The elements that follow one another to the end, all of the same tag. */
export function derElements(bytes: Buffer, tag: number): DerElement[] {
  const found: DerElement[] = [];
  for (let rest = bytes; rest.length > 0; rest = found.at(-1)!.rest) found.push(derElement(rest, tag));
  return found;
}
