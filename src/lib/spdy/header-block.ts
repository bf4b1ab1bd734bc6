import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

import { SPDY_DICTIONARY, SPDY_DICTIONARY_ID } from "./dictionary.ts";

/** Names in lower case. */
export type SpdyHeaders = Readonly<Record<string, string>>;

const WINDOW_BYTES = 32 * 1024;
/** Far more than the few short headers of a stream. */
const MAX_BLOCK_BYTES = 64 * 1024;
const ZLIB_HEADER = Buffer.from([0x78, 0xbb]);
const PREFIX_BYTES = 6;

/**
 * One direction's compression: a single zlib stream runs through all header blocks of a connection, each ending in a sync
 * flush. Node's zlib works in one shot or in the background; here each block is one shot, with the text before it as its dictionary.
 */
class Window {
  #text: Buffer = SPDY_DICTIONARY;
  #first = true;

  get dictionary(): Buffer {
    return this.#text;
  }

  get first(): boolean {
    return this.#first;
  }

  add(text: Buffer): void {
    this.#text = Buffer.concat([this.#text, text]).subarray(-WINDOW_BYTES);
    this.#first = false;
  }
}

export class HeaderEncoder {
  readonly #window = new Window();

  encode(headers: SpdyHeaders): Buffer {
    const text = serialize(headers);
    const { dictionary, first } = this.#window;
    const block = deflateRawSync(text, { dictionary, finishFlush: constants.Z_SYNC_FLUSH });
    this.#window.add(text);
    return first ? Buffer.concat([ZLIB_HEADER, uint32(SPDY_DICTIONARY_ID), block]) : block;
  }
}

export class HeaderDecoder {
  readonly #window = new Window();

  /** @throws {RangeError} or zlib's error for malformed bytes */
  decode(block: Buffer): SpdyHeaders {
    const { dictionary, first } = this.#window;
    if (first && (block.length < PREFIX_BYTES || block.readUInt32BE(2) !== SPDY_DICTIONARY_ID))
      throw new RangeError("header block does not use SPDY's dictionary");
    const body = first ? block.subarray(PREFIX_BYTES) : block;
    const text = inflateRawSync(body, { dictionary, finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_BLOCK_BYTES });
    this.#window.add(text);
    return parse(text);
  }
}

function serialize(headers: SpdyHeaders): Buffer {
  const entries = Object.entries(headers);
  const parts = entries.flatMap(([name, value]) => [name.toLowerCase(), value]).map((text) => Buffer.from(text, "utf8"));
  return Buffer.concat([uint32(entries.length), ...parts.flatMap((part) => [uint32(part.length), part])]);
}

function parse(text: Buffer): SpdyHeaders {
  let at = 0;
  const number = () => {
    at += 4;
    return text.readUInt32BE(at - 4);
  };
  const string = () => {
    const length = number();
    if (at + length > text.length) throw new RangeError("header block ends inside a header");
    at += length;
    return text.toString("utf8", at - length, at);
  };
  const count = number();
  const headers: [string, string][] = [];
  for (let i = 0; i < count; i++) headers.push([string().toLowerCase(), string()]);
  return Object.fromEntries(headers);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
