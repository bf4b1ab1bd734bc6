import { CODE, ConnectionError } from "./frames.ts";
import { decodeHuffman } from "./huffman.ts";

/** RFC 7541, appendix A: name and value by turns. */
// prettier-ignore
const STATIC_TEXT =
  ":authority= :method=GET :method=POST :path=/ :path=/index.html :scheme=http :scheme=https :status=200 :status=204 :status=206 :status=304 " +
  ":status=400 :status=404 :status=500 accept-charset= accept-encoding=gzip,_deflate accept-language= accept-ranges= accept= " +
  "access-control-allow-origin= age= allow= authorization= cache-control= content-disposition= content-encoding= content-language= " +
  "content-length= content-location= content-range= content-type= cookie= date= etag= expect= expires= from= host= if-match= " +
  "if-modified-since= if-none-match= if-range= if-unmodified-since= last-modified= link= location= max-forwards= proxy-authenticate= " +
  "proxy-authorization= range= referer= refresh= retry-after= server= set-cookie= strict-transport-security= transfer-encoding= user-agent= " +
  "vary= via= www-authenticate=";

export interface HeaderField {
  readonly name: string;
  readonly value: string;
  /** Whether name and value are what a request may have. Fields come again and again by the table: they are looked at once. */
  readonly proper: boolean;
}

/** Methods and paths have a colon before their names. */
const PROPER_NAME = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// oxlint-disable-next-line no-control-regex
const IMPROPER_VALUE = /[\0\r\n]/;

function headerField(name: string, value: string): HeaderField {
  return { name, value, proper: PROPER_NAME.test(name) && !IMPROPER_VALUE.test(value) };
}

export const STATIC: readonly HeaderField[] = STATIC_TEXT.split(" ").map((field) => {
  const equals = field.indexOf("=");
  return headerField(field.slice(0, equals), field.slice(equals + 1).replace("_", " "));
});

/** The size of the table that a peer may fill, which is what it may take for granted. */
const TABLE_BYTES = 4096;
const ENTRY_OVERHEAD_BYTES = 32;
const MAX_INTEGER = 2 ** 28;

/** Reads header blocks, with the table that the peer fills on the way. */
export class HeaderDecoder {
  /** Newest last; what is before `#head` was dropped. */
  #entries: HeaderField[] = [];
  #head = 0;
  #bytes = 0;
  #maxBytes = TABLE_BYTES;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /**
   * @param maxBytes of names and values; a block with more is read to its end, as the table must know it
   * @returns `undefined` for a block that is too large
   * @throws {ConnectionError} for what is no header block
   */
  decode(block: Buffer, maxBytes: number): HeaderField[] | undefined {
    this.#block = block;
    this.#at = 0;
    const fields: HeaderField[] = [];
    let bytes = 0;
    while (this.#at < block.length) {
      const first = block[this.#at]!;
      if ((first & 0xe0) === 0x20) {
        if (fields.length > 0) throw broken("a table's size after a header");
        this.#resize(this.#integer(5));
        continue;
      }
      const field = first >= 0x80 ? this.#field(this.#integer(7)) : this.#literal(first);
      bytes += sizeOf(field);
      if (bytes <= maxBytes) fields.push(field);
    }
    return bytes <= maxBytes ? fields : undefined;
  }

  #literal(first: number): HeaderField {
    const indexed = (first & 0x40) !== 0;
    const index = this.#integer(indexed ? 6 : 4);
    const name = index === 0 ? this.#string() : this.#field(index).name;
    const field = headerField(name, this.#string());
    if (indexed) this.#add(field);
    return field;
  }

  #field(index: number): HeaderField {
    const field = index <= STATIC.length ? STATIC[index - 1] : this.#dynamic(index - STATIC.length);
    if (field === undefined) throw broken("a header that is not in the table");
    return field;
  }

  #dynamic(index: number): HeaderField | undefined {
    const at = this.#entries.length - index;
    return at < this.#head ? undefined : this.#entries[at];
  }

  #add(field: HeaderField): void {
    this.#bytes += sizeOf(field);
    this.#entries.push(field);
    this.#shrink();
  }

  #resize(maxBytes: number): void {
    if (maxBytes > TABLE_BYTES) throw broken("a table above the limit");
    this.#maxBytes = maxBytes;
    this.#shrink();
  }

  #shrink(): void {
    while (this.#bytes > this.#maxBytes) this.#bytes -= sizeOf(this.#entries[this.#head++]!);
    if (this.#head < 64) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }

  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (value > MAX_INTEGER || scale > MAX_INTEGER) throw broken("a number that is too large");
      if (byte < 128) return value;
    }
  }

  #string(): string {
    const huffman = (this.#block[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#block.length) throw broken("an unfinished header");
    if (!huffman) return this.#block.toString("latin1", start, this.#at);
    const text = decodeHuffman(this.#block, start, this.#at);
    if (text === undefined) throw broken("what is no Huffman code");
    return text;
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw broken("an unfinished header");
    return byte;
  }
}

const sizeOf = ({ name, value }: HeaderField) => name.length + value.length + ENTRY_OVERHEAD_BYTES;
const broken = (what: string) => new ConnectionError(CODE.compressionError, `the header block has ${what}`);
