import { EventEmitter } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";

import { CODE, type Code } from "./frames.ts";
import type { OutgoingHeaders } from "./header-encoder.ts";
import type { RequestHead } from "./request-head.ts";

/** What a stream asks of its connection. */
export interface StreamHost {
  readonly socket: TLSSocket;
  sendHeaders(stream: Http2Stream, status: number, headers: OutgoingHeaders): void;
  /** There is something to send: bytes, or the end. */
  sendBody(stream: Http2Stream): void;
  /** Bytes of the body have been used: the peer may send as many again. */
  credit(stream: Http2Stream, bytes: number): void;
  reset(stream: Http2Stream, code: Code): void;
}

/** More than this unsent, and whoever writes should wait for "drain". */
const HIGH_WATER_BYTES = 64 * 1024;

/**
 * One request and its answer, with as much of the interface of Node's own requests and responses as a server needs. Emits
 * "close" when the exchange is over (`writableFinished` tells whether the answer was whole), and "drain".
 */
export class Http2Stream extends EventEmitter {
  readonly id: number;
  readonly #head: RequestHead;
  readonly #host: StreamHost;
  headersSent = false;
  /** The answer is complete here, and maybe not yet on its way. */
  writableEnded = false;
  /** The whole answer is on its way. */
  writableFinished = false;
  closed = false;
  /** What the peer lets us send, and what we let it send. */
  sendWindow: number;
  receiveWindow: number;
  /** Bytes of the body that came, and those of them that were read since the peer was last told. */
  received = 0;
  used = 0;
  bodyEnded = false;
  #chunks: Buffer[] = [];
  #reader: (() => void) | undefined;
  #queue: Uint8Array[] = [];
  /** How many of its chunks have been sent. */
  #sentChunks = 0;
  /** How much of the queue's first chunk has been sent. */
  #sent = 0;
  #queuedBytes = 0;
  #wantsDrain = false;

  constructor(host: StreamHost, id: number, head: RequestHead, sendWindow: number, receiveWindow: number) {
    super();
    this.#host = host;
    this.id = id;
    this.#head = head;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  get method(): string {
    return this.#head.method;
  }

  get url(): string {
    return this.#head.path;
  }

  get headers(): IncomingHttpHeaders {
    return this.#head.headers;
  }

  /** Names and values by turns, repeated ones too. */
  get rawHeaders(): string[] {
    return this.#head.fields.flatMap(({ name, value }) => (name.startsWith(":") ? [] : [name, value]));
  }

  get socket(): TLSSocket {
    return this.#host.socket;
  }

  // The body of the request.

  /**
   * The whole body.
   *
   * @returns `undefined` for one above the limit, of which nothing is kept
   * @throws {Error} when the client goes away meanwhile
   */
  readBody(limitBytes: number): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    let size = 0;
    return new Promise((resolve, reject) => {
      this.#read(
        (chunk) => {
          size += chunk.length;
          if (size <= limitBytes) chunks.push(chunk);
        },
        () => {
          if (!this.bodyEnded) reject(new Error("the client has gone"));
          else resolve(size > limitBytes ? undefined : chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
        },
      );
    });
  }

  /** The body as it comes; when nobody reads, the client waits. One that goes away is an error to who listens for it, as with Node's own requests. */
  bodyStream(): Readable {
    let wanted = false;
    const push = () => {
      while (wanted && this.#chunks.length > 0) {
        const chunk = this.#chunks.shift()!;
        this.#credit(chunk);
        wanted = readable.push(chunk);
      }
      if (!wanted) return;
      if (this.bodyEnded) readable.push(null);
      else if (this.closed) readable.destroy(new Error("the client has gone"));
    };
    const readable = new Readable({
      read() {
        wanted = true;
        push();
      },
    });
    this.#reader = push;
    return readable.on("error", () => {});
  }

  #read(onChunk: (chunk: Buffer) => void, onEnd: () => void): void {
    const reader = () => {
      for (const chunk of this.#chunks) {
        onChunk(chunk);
        this.#credit(chunk);
      }
      this.#chunks = [];
      if (!this.bodyEnded && !this.closed) return;
      this.#reader = undefined;
      onEnd();
    };
    this.#reader = reader;
    reader();
  }

  /** When a stream is over, the connection has counted what nobody had read. */
  #credit({ length }: Buffer): void {
    if (!this.closed) this.#host.credit(this, length);
  }

  /** For the connection: a piece of the body has come, or its end. */
  receive(chunk: Buffer, ended: boolean): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
    if (ended) this.bodyEnded = true;
    this.#reader?.();
  }

  /** For the connection: bytes of the body that nobody has read. */
  get unreadBytes(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0);
  }

  // The answer.

  writeHead(status: number, headers: OutgoingHeaders = {}): this {
    if (this.headersSent || this.closed) return this;
    this.headersSent = true;
    this.#host.sendHeaders(this, status, headers);
    return this;
  }

  /** Headers go out by the end of the turn anyway. */
  flushHeaders(): void {
    this.writeHead(200);
  }

  /** @returns whether the caller may go on; else "drain" tells when */
  write(chunk: Uint8Array): boolean {
    return this.writeAll([chunk]);
  }

  /** As one write: the chunks are kept as they are until they go out. */
  writeAll(chunks: readonly Uint8Array[]): boolean {
    if (this.writableEnded || this.closed) return true;
    this.flushHeaders();
    for (const chunk of chunks) this.#queueChunk(chunk);
    this.#host.sendBody(this);
    this.#wantsDrain = this.#queuedBytes > HIGH_WATER_BYTES;
    return !this.#wantsDrain;
  }

  end(chunk?: Uint8Array): this {
    if (this.writableEnded || this.closed) return this;
    this.flushHeaders();
    if (chunk !== undefined) this.#queueChunk(chunk);
    this.writableEnded = true;
    this.#host.sendBody(this);
    return this;
  }

  /** Cuts the exchange off, unless it is over. */
  destroy(): this {
    if (!this.closed) this.#host.reset(this, this.headersSent ? CODE.internalError : CODE.cancel);
    return this;
  }

  /** Bytes that wait for the client to take them. */
  get writableLength(): number {
    return this.#queuedBytes;
  }

  #queueChunk(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
  }

  /** For the connection: takes so many bytes off the queue, in pieces. */
  dequeue(bytes: number, take: (piece: Uint8Array) => void): void {
    this.#queuedBytes -= bytes;
    let left = bytes;
    while (left > 0) {
      const first = this.#queue[this.#sentChunks]!;
      const piece = this.#sent === 0 && first.length <= left ? first : first.subarray(this.#sent, this.#sent + left);
      take(piece);
      left -= piece.length;
      this.#sent += piece.length;
      if (this.#sent < first.length) break;
      this.#sentChunks++;
      this.#sent = 0;
    }
    this.#cutQueue();
    if (this.#queuedBytes === 0 && this.#wantsDrain) this.#drained();
  }

  /** Now and then, as a list may be queued in very many pieces. */
  #cutQueue(): void {
    const { length } = this.#queue;
    if (this.#sentChunks * 2 < length) return;
    if (this.#sentChunks === length) this.#queue.length = 0;
    else this.#queue.splice(0, this.#sentChunks);
    this.#sentChunks = 0;
  }

  #drained(): void {
    this.#wantsDrain = false;
    queueMicrotask(() => this.emit("drain"));
  }

  /** For the connection: nothing more comes or goes. */
  over(): void {
    if (this.closed) return;
    this.closed = true;
    this.#queue = [];
    this.#sentChunks = 0;
    this.#queuedBytes = 0;
    this.#reader?.();
    this.emit("close");
  }
}
