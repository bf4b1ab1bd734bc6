/** SPDY/3.1 frames with header blocks still compressed. */
export type SpdyFrame =
  | { readonly type: "data"; readonly streamId: number; readonly data: Buffer; readonly fin: boolean }
  | { readonly type: "synStream"; readonly streamId: number; readonly block: Buffer; readonly fin: boolean }
  | { readonly type: "synReply"; readonly streamId: number; readonly block: Buffer; readonly fin: boolean }
  | { readonly type: "rstStream"; readonly streamId: number; readonly status: number }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "goaway"; readonly lastStreamId: number; readonly status: number }
  | { readonly type: "headers"; readonly streamId: number; readonly block: Buffer; readonly fin: boolean }
  | { readonly type: "windowUpdate"; readonly streamId: number; readonly delta: number }
  /** One that nothing here depends on, such as SETTINGS. */
  | { readonly type: "other"; readonly number: number };

const HEAD_BYTES = 8;
const MAX_FRAME_BYTES = 16 * 1024 * 1024;
const VERSION = 3;
const FIN = 1;
const ID_MASK = 0x7fff_ffff;
const TYPE = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goaway: 7, headers: 8, windowUpdate: 9 } as const;

export function encodeFrame(frame: Exclude<SpdyFrame, { type: "other" }>): Buffer {
  switch (frame.type) {
    case "data": {
      const head = Buffer.alloc(HEAD_BYTES);
      head.writeUInt32BE(frame.streamId, 0);
      head.writeUInt32BE(frame.data.length, 4);
      head[4] = frame.fin ? FIN : 0;
      return Buffer.concat([head, frame.data]);
    }
    case "synStream":
      return control(TYPE.synStream, frame.fin, [frame.streamId, 0], Buffer.concat([Buffer.alloc(2), frame.block]));
    case "synReply":
    case "headers":
      return control(TYPE[frame.type], frame.fin, [frame.streamId], frame.block);
    case "rstStream":
      return control(TYPE.rstStream, false, [frame.streamId, frame.status]);
    case "ping":
      return control(TYPE.ping, false, [frame.id]);
    case "goaway":
      return control(TYPE.goaway, false, [frame.lastStreamId, frame.status]);
    case "windowUpdate":
      return control(TYPE.windowUpdate, false, [frame.streamId, frame.delta]);
  }
}

function control(type: number, fin: boolean, numbers: readonly number[], rest: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES + 4 * numbers.length);
  head.writeUInt16BE(0x8000 | VERSION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(4 * numbers.length + rest.length, 4);
  head[4] = fin ? FIN : 0;
  numbers.forEach((number, i) => head.writeUInt32BE(number, HEAD_BYTES + 4 * i));
  return Buffer.concat([head, rest]);
}

/** Cuts a connection's bytes into frames. */
export class FrameParser {
  #pending: Buffer = Buffer.alloc(0);

  /** @throws {RangeError} when the peer does not speak SPDY/3 */
  feed(chunk: Buffer): SpdyFrame[] {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: SpdyFrame[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUIntBE(at + 5, 3);
      if (length > MAX_FRAME_BYTES) throw new RangeError(`frame of ${length} bytes is too large`);
      const end = at + HEAD_BYTES + length;
      if (end > bytes.length) break;
      frames.push(decode(bytes.subarray(at, at + HEAD_BYTES), bytes.subarray(at + HEAD_BYTES, end)));
      at = end;
    }
    this.#pending = Buffer.from(bytes.subarray(at));
    return frames;
  }
}

function decode(head: Buffer, body: Buffer): SpdyFrame {
  const fin = (head[4]! & FIN) !== 0;
  if ((head[0]! & 0x80) === 0) return { type: "data", streamId: head.readUInt32BE(0), data: Buffer.from(body), fin };
  const version = head.readUInt16BE(0) & 0x7fff;
  if (version !== VERSION) throw new RangeError(`SPDY version ${version} is not spoken here`);
  const id = (at: number) => body.readUInt32BE(at) & ID_MASK;
  const number = head.readUInt16BE(2);
  switch (number) {
    case TYPE.synStream:
      return { type: "synStream", streamId: id(0), block: Buffer.from(body.subarray(10)), fin };
    case TYPE.synReply:
      return { type: "synReply", streamId: id(0), block: Buffer.from(body.subarray(4)), fin };
    case TYPE.headers:
      return { type: "headers", streamId: id(0), block: Buffer.from(body.subarray(4)), fin };
    case TYPE.rstStream:
      return { type: "rstStream", streamId: id(0), status: body.readUInt32BE(4) };
    case TYPE.ping:
      return { type: "ping", id: body.readUInt32BE(0) };
    case TYPE.goaway:
      return { type: "goaway", lastStreamId: id(0), status: body.readUInt32BE(4) };
    case TYPE.windowUpdate:
      return { type: "windowUpdate", streamId: id(0), delta: id(4) };
    default:
      return { type: "other", number };
  }
}
