import { Duplex } from "node:stream";

import { encodeFrame, FrameParser, type SpdyFrame } from "./frames.ts";
import { HeaderDecoder, HeaderEncoder, type SpdyHeaders } from "./header-block.ts";

export interface SpdyOptions {
  /** Clients open streams with odd numbers, servers with even ones. */
  readonly role: "client" | "server";
  /** Takes a stream that the peer opens; without it they are refused. */
  readonly onStream?: (stream: SpdyStream) => void;
}

const RST_PROTOCOL_ERROR = 1;
const RST_REFUSED_STREAM = 3;
const RST_CANCEL = 5;

const STREAM_BUFFER_BYTES = 256 * 1024;
const MAX_DATA_BYTES = 32 * 1024;

/**
 * SPDY/3.1 over an upgraded connection, as far as Kubernetes and container runtimes use it: many half-closing streams.
 * Like theirs it keeps no windows: a reader that is slow holds up the whole connection.
 */
export class SpdyConnection {
  readonly #transport: Duplex;
  readonly #options: SpdyOptions;
  readonly #encoder = new HeaderEncoder();
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #full = new Set<number>();
  #nextId: number;

  /** @param head what arrived together with the upgrade */
  constructor(transport: Duplex, options: SpdyOptions, head: Buffer = Buffer.alloc(0)) {
    this.#transport = transport;
    this.#options = options;
    this.#nextId = options.role === "client" ? 1 : 2;
    const parser = new FrameParser();
    const feed = (bytes: Buffer) => {
      try {
        for (const frame of parser.feed(bytes)) this.#take(frame);
      } catch (error) {
        transport.destroy(error as Error);
      }
    };
    transport.on("data", feed);
    transport.on("error", () => transport.destroy());
    transport.once("end", () => this.#abandon());
    transport.once("close", () => this.#abandon());
    if (head.length > 0) feed(head);
  }

  open(headers: SpdyHeaders): SpdyStream {
    const streamId = this.#nextId;
    this.#nextId += 2;
    const stream = this.#add(streamId, headers);
    this.#send({ type: "synStream", streamId, block: this.#encoder.encode(headers), fin: false });
    return stream;
  }

  close(): void {
    this.#send({ type: "goaway", lastStreamId: 0, status: 0 });
    this.#transport.end();
    this.#abandon();
  }

  #take(frame: SpdyFrame): void {
    switch (frame.type) {
      case "synStream":
        return this.#opened(frame.streamId, this.#decoder.decode(frame.block), frame.fin);
      case "synReply":
      case "headers":
        // Every block moves the decoder on, wanted or not.
        this.#decoder.decode(frame.block);
        if (frame.type === "synReply") this.#streams.get(frame.streamId)?.wasAccepted();
        if (frame.fin) this.#streams.get(frame.streamId)?.received(null);
        return;
      case "data":
        return this.#data(frame.streamId, frame.data, frame.fin);
      case "rstStream":
        this.#streams.get(frame.streamId)?.wasReset();
        return;
      case "ping": {
        const ours = frame.id % 2 === (this.#options.role === "client" ? 1 : 0);
        if (!ours) this.#send(frame);
        return;
      }
      case "goaway":
      case "windowUpdate":
      case "other":
    }
  }

  #opened(streamId: number, headers: SpdyHeaders, fin: boolean): void {
    const { onStream } = this.#options;
    if (onStream === undefined) return this.#send({ type: "rstStream", streamId, status: RST_REFUSED_STREAM });
    if (this.#streams.has(streamId)) return this.#send({ type: "rstStream", streamId, status: RST_PROTOCOL_ERROR });
    const stream = this.#add(streamId, headers);
    this.#send({ type: "synReply", streamId, block: this.#encoder.encode({}), fin: false });
    onStream(stream);
    if (fin) stream.received(null);
  }

  #data(streamId: number, data: Buffer, fin: boolean): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (data.length > 0 && !stream.received(data)) {
      this.#full.add(streamId);
      this.#transport.pause();
    }
    if (fin) stream.received(null);
  }

  #add(id: number, headers: SpdyHeaders): SpdyStream {
    const stream = new SpdyStream(id, headers, {
      send: (frame, done) => void this.#send(frame, done),
      drained: () => this.#drained(id),
      closed: () => {
        this.#streams.delete(id);
        this.#drained(id);
      },
    });
    this.#streams.set(id, stream);
    return stream;
  }

  #drained(id: number): void {
    if (this.#full.delete(id) && this.#full.size === 0) this.#transport.resume();
  }

  #send(frame: Exclude<SpdyFrame, { type: "other" }>, done?: () => void): void {
    if (this.#transport.destroyed || this.#transport.writableEnded) return done?.();
    this.#transport.write(encodeFrame(frame), () => done?.());
  }

  #abandon(): void {
    for (const stream of this.#streams.values()) stream.wasReset();
  }
}

interface StreamHost {
  send(frame: Exclude<SpdyFrame, { type: "other" }>, done?: () => void): void;
  drained(): void;
  closed(): void;
}

/** One stream: `end()` closes our half, the peer's end is the end of what can be read. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  /** When the peer has taken a stream that we opened, or it is over. */
  readonly accepted: Promise<void>;
  readonly #host: StreamHost;
  readonly #accepted = Promise.withResolvers<void>();
  #peerEnded = false;
  #finished = false;

  constructor(id: number, headers: SpdyHeaders, host: StreamHost) {
    super({ allowHalfOpen: true, readableHighWaterMark: STREAM_BUFFER_BYTES });
    this.id = id;
    this.headers = headers;
    this.accepted = this.#accepted.promise;
    this.#host = host;
  }

  /** Breaks the stream off in both directions. What was written before still arrives. */
  reset(status: number = RST_CANCEL): void {
    if (this.destroyed) return;
    this.#finished = true;
    this.#host.send({ type: "rstStream", streamId: this.id, status });
    this.destroy();
  }

  /** The connection's side. */
  wasAccepted(): void {
    this.#accepted.resolve();
  }

  /** The connection's side: `null` ends what can be read. @returns whether more is welcome */
  received(data: Buffer | null): boolean {
    if (this.#peerEnded || this.destroyed) return true;
    this.#peerEnded = data === null;
    return this.push(data);
  }

  /** The connection's side: the peer broke off. What arrived before can still be read. */
  wasReset(): void {
    this.#finished = true;
    this.#accepted.resolve();
    this.received(null);
    this.end();
  }

  override _read(): void {
    this.#host.drained();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#finished) return done();
    const parts = Math.max(1, Math.ceil(chunk.length / MAX_DATA_BYTES));
    for (let i = 0; i < parts; i++) {
      const data = chunk.subarray(i * MAX_DATA_BYTES, (i + 1) * MAX_DATA_BYTES);
      this.#host.send({ type: "data", streamId: this.id, data, fin: false }, i === parts - 1 ? done : undefined);
    }
  }

  override _final(done: () => void): void {
    if (!this.#finished) this.#host.send({ type: "data", streamId: this.id, data: Buffer.alloc(0), fin: true });
    this.#finished = true;
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#finished || !this.#peerEnded) this.#cancel();
    this.#accepted.resolve();
    this.#host.closed();
    done(error);
  }

  #cancel(): void {
    if (!this.#finished) this.#host.send({ type: "rstStream", streamId: this.id, status: RST_CANCEL });
    this.#finished = true;
  }
}
