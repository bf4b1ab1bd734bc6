import { CODE, ConnectionError, FLAG, FRAME, HEADER_BYTES, MAX_FRAME_BYTES, MAX_WINDOW_BYTES, PREFACE } from "./frames.ts";

/** A header block in pieces may have so much; more is no request. */
const MAX_HEADER_BLOCK_BYTES = 128 * 1024;
const MAX_CONTINUATIONS = 64;

/** @param payload of headers, the whole block: continuations have been put together */
export type OnFrame = (type: number, flags: number, stream: number, payload: Buffer) => void;

/** Cuts what a client sends into frames, and sees that they come in an order that makes sense. */
export class FrameParser {
  readonly #onFrame: OnFrame;
  #rest: Buffer | undefined;
  #next: "preface" | "settings" | "any" = "preface";
  /** The header block that is being gathered. */
  #block: { readonly stream: number; readonly flags: number; readonly parts: Buffer[]; bytes: number } | undefined;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** @throws {ConnectionError} */
  feed(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = this.#next === "preface" ? this.#preface(bytes) : 0;
    while (this.#next !== "preface" && bytes.length - at >= HEADER_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      if (length > MAX_FRAME_BYTES) throw new ConnectionError(CODE.frameSizeError, "a frame above the limit");
      const end = at + HEADER_BYTES + length;
      if (end > bytes.length) break;
      this.#frame(bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5) & MAX_WINDOW_BYTES, bytes.subarray(at + HEADER_BYTES, end));
      at = end;
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
  }

  /** @returns how much of the bytes it took */
  #preface(bytes: Buffer): number {
    const known = Math.min(bytes.length, PREFACE.length);
    if (bytes.compare(PREFACE, 0, known, 0, known) !== 0) throw new ConnectionError(CODE.protocolError, "no preface");
    if (known < PREFACE.length) return 0;
    this.#next = "settings";
    return PREFACE.length;
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (this.#next === "settings" && type !== FRAME.settings) throw new ConnectionError(CODE.protocolError, "no settings after the preface");
    this.#next = "any";
    const block = this.#block;
    if (block !== undefined && (type !== FRAME.continuation || stream !== block.stream)) {
      throw new ConnectionError(CODE.protocolError, "another frame within a header block");
    }
    if (type === FRAME.headers) this.#headers(flags, stream, payload);
    else if (type === FRAME.continuation) this.#continuation(flags, payload);
    else this.#onFrame(type, flags, stream, payload);
  }

  #headers(flags: number, stream: number, payload: Buffer): void {
    let fragment = unpadded(flags, payload);
    if ((flags & FLAG.priority) !== 0) {
      if (fragment.length < 5) throw new ConnectionError(CODE.protocolError, "no room for a priority");
      fragment = fragment.subarray(5);
    }
    if ((flags & FLAG.endHeaders) !== 0) this.#onFrame(FRAME.headers, flags, stream, fragment);
    else this.#block = { stream, flags, parts: [fragment], bytes: fragment.length };
  }

  #continuation(flags: number, payload: Buffer): void {
    const block = this.#block;
    if (block === undefined) throw new ConnectionError(CODE.protocolError, "a continuation of nothing");
    block.bytes += payload.length;
    if (block.bytes > MAX_HEADER_BLOCK_BYTES || block.parts.length > MAX_CONTINUATIONS) throw new ConnectionError(CODE.enhanceYourCalm, "endless headers");
    block.parts.push(payload);
    if ((flags & FLAG.endHeaders) === 0) return;
    this.#block = undefined;
    this.#onFrame(FRAME.headers, block.flags, block.stream, Buffer.concat(block.parts));
  }
}

/** @throws {ConnectionError} for more padding than there is */
export function unpadded(flags: number, payload: Buffer): Buffer {
  if ((flags & FLAG.padded) === 0) return payload;
  if (payload.length === 0 || payload[0]! >= payload.length) throw new ConnectionError(CODE.protocolError, "more padding than there is");
  return payload.subarray(1, payload.length - payload[0]!);
}
