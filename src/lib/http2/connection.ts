import type { TLSSocket } from "node:tls";

import { FrameParser, unpadded } from "./frame-parser.ts";
import {
  CODE,
  type Code,
  ConnectionError,
  FLAG,
  FRAME,
  frame,
  goawayFrame,
  HEADER_BYTES,
  INITIAL_WINDOW_BYTES,
  MAX_FRAME_BYTES,
  MAX_WINDOW_BYTES,
  resetFrame,
  SETTING,
  settingsFrame,
  windowUpdateFrame,
  writeFrameHeader,
} from "./frames.ts";
import { encodeHeaders, type OutgoingHeaders } from "./header-encoder.ts";
import { HeaderDecoder, type HeaderField } from "./hpack.ts";
import { Outlet } from "./outlet.ts";
import { RequestHeads } from "./request-head.ts";
import { Http2Stream, type StreamHost } from "./stream.ts";

export interface Http2Options {
  readonly maxConcurrentStreams: number;
  /** How much of a body may come before it is read. */
  readonly streamWindowBytes: number;
  /** The value of the `date` header. */
  readonly date: () => string;
}

/** Names and values of one request, as the RFC counts them. */
const MAX_HEADER_LIST_BYTES = 65_536;
/** Bodies of all streams that nobody has read. */
const CONNECTION_WINDOW_BYTES = 2 * 1024 * 1024;
/** A peer that makes us answer (pings, settings) without reading the answers is not read from either. */
const MAX_UNREAD_ANSWERS_BYTES = 2 * 1024 * 1024;
/** A peer may cut off so many requests, or make us cut them off, more than it lets us answer. */
const MAX_RESETS = 1000;
/** Each costs a look at all streams; a client sends one or two. */
const MAX_SETTINGS_FRAMES = 1000;
/** Frames larger than this only make others wait. */
const MAX_SENT_FRAME_BYTES = 4 * MAX_FRAME_BYTES;

const NOTHING = Buffer.alloc(0);

/** The server's end of one HTTP/2 connection (RFC 9113). */
export class Http2Connection implements StreamHost {
  readonly socket: TLSSocket;
  readonly #options: Http2Options;
  readonly #onStream: (stream: Http2Stream) => void;
  readonly #parser = new FrameParser((type, flags, id, payload) => this.#frame(type, flags, id, payload));
  readonly #decoder = new HeaderDecoder();
  readonly #heads = new RequestHeads();
  readonly #outlet: Outlet;
  readonly #streams = new Map<number, Http2Stream>();
  /** Streams that wait for the connection's window, or for the socket. */
  readonly #waiting = new Set<Http2Stream>();
  #lastStream = 0;
  /** Requests above this one are not heard: the peer was told so, and sends them elsewhere. */
  #lastHeard = Infinity;
  #sendWindow = INITIAL_WINDOW_BYTES;
  #peerStreamWindow = INITIAL_WINDOW_BYTES;
  #peerMaxFrame = MAX_FRAME_BYTES;
  #receiveWindow = CONNECTION_WINDOW_BYTES;
  /** Bytes that were read since the peer was last told. */
  #used = 0;
  #resets = 0;
  #settingsFrames = 0;
  #ended = false;

  constructor(socket: TLSSocket, options: Http2Options, onStream: (stream: Http2Stream) => void) {
    this.socket = socket;
    this.#options = options;
    this.#onStream = onStream;
    this.#outlet = new Outlet(socket);
    this.#outlet.send(
      settingsFrame([
        [SETTING.maxConcurrentStreams, options.maxConcurrentStreams],
        [SETTING.initialWindowSize, options.streamWindowBytes],
        [SETTING.maxHeaderListSize, MAX_HEADER_LIST_BYTES],
      ]),
    );
    this.#outlet.send(windowUpdateFrame(0, CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES));
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => this.#drained());
    socket.once("close", () => this.#over());
  }

  /** Tells the client to open no more streams here; those that are open go on. */
  goaway(): void {
    this.#sayGoodbye(CODE.noError);
  }

  // Reading.

  #read(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      this.#parser.feed(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error.code);
    }
    if (this.#outlet.backlog > MAX_UNREAD_ANSWERS_BYTES) this.socket.pause();
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case FRAME.data:
        return this.#data(flags, id, payload);
      case FRAME.headers:
        return this.#headers(flags, id, payload);
      case FRAME.priority:
        expect(id !== 0, CODE.protocolError);
        return expect(payload.length === 5, CODE.frameSizeError);
      case FRAME.rstStream:
        expect(payload.length === 4, CODE.frameSizeError);
        return this.#peerReset(id);
      case FRAME.settings:
        return this.#settings(flags, id, payload);
      case FRAME.pushPromise:
        return expect(false, CODE.protocolError);
      case FRAME.ping:
        expect(id === 0, CODE.protocolError);
        expect(payload.length === 8, CODE.frameSizeError);
        if ((flags & FLAG.ack) === 0) this.#outlet.send(frame(FRAME.ping, FLAG.ack, 0, payload));
        return;
      case FRAME.goaway:
        return expect(id === 0, CODE.protocolError);
      case FRAME.windowUpdate:
        return this.#windowUpdate(id, payload);
    }
  }

  #data(flags: number, id: number, payload: Buffer): void {
    expect(id !== 0 && id <= this.#lastStream, CODE.protocolError);
    const body = unpadded(flags, payload);
    this.#receiveWindow -= payload.length;
    expect(this.#receiveWindow >= 0, CODE.flowControlError);
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.bodyEnded) {
      this.#creditConnection(payload.length);
      if (stream !== undefined) this.#breach(stream, CODE.streamClosed);
      return;
    }
    stream.receiveWindow -= payload.length;
    stream.received += body.length;
    const ended = (flags & FLAG.endStream) !== 0;
    if (stream.receiveWindow < 0 || !fitsLength(stream, ended)) {
      this.#creditConnection(payload.length);
      return this.#breach(stream, stream.receiveWindow < 0 ? CODE.flowControlError : CODE.protocolError);
    }
    this.credit(stream, payload.length - body.length);
    stream.receive(body, ended);
  }

  #headers(flags: number, id: number, block: Buffer): void {
    expect(id % 2 === 1, CODE.protocolError);
    const fields = this.#decoder.decode(block, MAX_HEADER_LIST_BYTES);
    const ended = (flags & FLAG.endStream) !== 0;
    const open = this.#streams.get(id);
    if (open !== undefined) return this.#trailers(open, ended);
    if (id <= this.#lastStream) return; // trailers of a request that was answered before they came
    this.#lastStream = id;
    if (id <= this.#lastHeard) this.#open(id, fields, ended);
  }

  /** Nobody asks for them. */
  #trailers(stream: Http2Stream, ended: boolean): void {
    if (!ended || stream.bodyEnded || !fitsLength(stream, true)) return this.#breach(stream, CODE.protocolError);
    stream.receive(NOTHING, true);
  }

  #open(id: number, fields: readonly HeaderField[] | undefined, ended: boolean): void {
    if (fields === undefined) return this.#refuse(id, CODE.enhanceYourCalm);
    if (this.#streams.size >= this.#options.maxConcurrentStreams) return this.#refuse(id, CODE.refusedStream);
    const head = this.#heads.read(fields);
    if (head === undefined) return this.#refuse(id, CODE.protocolError);
    const stream = new Http2Stream(this, id, head, this.#peerStreamWindow, this.#options.streamWindowBytes);
    stream.bodyEnded = ended;
    if (!fitsLength(stream, ended)) return this.#refuse(id, CODE.protocolError);
    this.#streams.set(id, stream);
    this.#onStream(stream);
  }

  #refuse(id: number, code: Code): void {
    this.#outlet.send(resetFrame(id, code));
  }

  #peerReset(id: number): void {
    expect(id !== 0 && id <= this.#lastStream, CODE.protocolError);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#forget(stream);
    this.#countReset();
  }

  /** Cuts a stream off that the peer has broken the rules of. */
  #breach(stream: Http2Stream, code: Code): void {
    this.reset(stream, code);
    this.#countReset();
  }

  #countReset(): void {
    expect(++this.#resets <= MAX_RESETS, CODE.enhanceYourCalm);
  }

  #settings(flags: number, id: number, payload: Buffer): void {
    expect(id === 0, CODE.protocolError);
    if ((flags & FLAG.ack) !== 0) return expect(payload.length === 0, CODE.frameSizeError);
    expect(payload.length % 6 === 0, CODE.frameSizeError);
    expect(++this.#settingsFrames <= MAX_SETTINGS_FRAMES, CODE.enhanceYourCalm);
    const before = this.#peerStreamWindow;
    for (let at = 0; at < payload.length; at += 6) this.#setting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    if (this.#peerStreamWindow !== before) this.#moveStreamWindows(this.#peerStreamWindow - before);
    this.#outlet.send(frame(FRAME.settings, FLAG.ack, 0, NOTHING));
  }

  #setting(name: number, value: number): void {
    switch (name) {
      case SETTING.enablePush:
        return expect(value <= 1, CODE.protocolError);
      case SETTING.maxFrameSize:
        expect(value >= MAX_FRAME_BYTES && value < 2 ** 24, CODE.protocolError);
        this.#peerMaxFrame = Math.min(value, MAX_SENT_FRAME_BYTES);
        return;
      case SETTING.initialWindowSize:
        expect(value <= MAX_WINDOW_BYTES, CODE.flowControlError);
        this.#peerStreamWindow = value;
        return;
    }
  }

  #moveStreamWindows(more: number): void {
    for (const stream of [...this.#streams.values()]) {
      stream.sendWindow += more;
      expect(stream.sendWindow <= MAX_WINDOW_BYTES, CODE.flowControlError);
      this.sendBody(stream);
    }
  }

  #windowUpdate(id: number, payload: Buffer): void {
    expect(payload.length === 4, CODE.frameSizeError);
    const increment = payload.readUInt32BE(0) & MAX_WINDOW_BYTES;
    if (id === 0) {
      expect(increment > 0, CODE.protocolError);
      this.#sendWindow += increment;
      expect(this.#sendWindow <= MAX_WINDOW_BYTES, CODE.flowControlError);
      return this.#wake();
    }
    expect(id <= this.#lastStream, CODE.protocolError);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (increment === 0) return this.#breach(stream, CODE.protocolError);
    if (stream.sendWindow > MAX_WINDOW_BYTES) return this.#breach(stream, CODE.flowControlError);
    this.sendBody(stream);
  }

  credit(stream: Http2Stream, bytes: number): void {
    if (bytes === 0) return;
    this.#creditConnection(bytes);
    if (stream.bodyEnded || stream.closed) return;
    stream.used += bytes;
    if (stream.used * 2 < this.#options.streamWindowBytes) return;
    stream.receiveWindow += stream.used;
    this.#outlet.send(windowUpdateFrame(stream.id, stream.used));
    stream.used = 0;
  }

  #creditConnection(bytes: number): void {
    this.#used += bytes;
    if (this.#used * 2 < CONNECTION_WINDOW_BYTES) return;
    this.#receiveWindow += this.#used;
    this.#outlet.send(windowUpdateFrame(0, this.#used));
    this.#used = 0;
  }

  // Sending.

  sendHeaders(stream: Http2Stream, status: number, headers: OutgoingHeaders): void {
    const whole = encodeHeaders(status, headers, this.#options.date(), HEADER_BYTES);
    if (whole.length > HEADER_BYTES + MAX_FRAME_BYTES) return this.#sendInParts(stream, whole.subarray(HEADER_BYTES));
    writeFrameHeader(whole, 0, whole.length - HEADER_BYTES, FRAME.headers, FLAG.endHeaders, stream.id);
    this.#outlet.send(whole);
  }

  #sendInParts(stream: Http2Stream, block: Buffer): void {
    for (let at = 0; at < block.length; at += MAX_FRAME_BYTES) {
      const part = block.subarray(at, at + MAX_FRAME_BYTES);
      const last = at + MAX_FRAME_BYTES >= block.length;
      this.#outlet.send(frame(at === 0 ? FRAME.headers : FRAME.continuation, last ? FLAG.endHeaders : 0, stream.id, part));
    }
  }

  sendBody(stream: Http2Stream): void {
    while (!stream.closed && stream.headersSent) {
      const waiting = stream.writableLength;
      if (waiting === 0 && !stream.writableEnded) return;
      const bytes = Math.max(0, Math.min(waiting, this.#peerMaxFrame, stream.sendWindow, this.#sendWindow)); // a window may shrink below nothing
      const { full } = this.#outlet;
      if (waiting > 0 && (bytes === 0 || full)) {
        if (full || stream.sendWindow > 0) this.#waiting.add(stream);
        return;
      }
      this.#sendData(stream, bytes, stream.writableEnded && bytes === waiting);
    }
  }

  #sendData(stream: Http2Stream, bytes: number, last: boolean): void {
    const head = Buffer.allocUnsafe(HEADER_BYTES);
    writeFrameHeader(head, 0, bytes, FRAME.data, last ? FLAG.endStream : 0, stream.id);
    this.#outlet.send(head);
    stream.sendWindow -= bytes;
    this.#sendWindow -= bytes;
    stream.dequeue(bytes, this.#outlet.send);
    if (!last) return;
    stream.writableFinished = true;
    this.#resets = Math.max(0, this.#resets - 1);
    if (!stream.bodyEnded) this.#refuse(stream.id, CODE.noError); // the rest of the request is of no use
    this.#forget(stream);
  }

  /** Each in turn as much as goes: one that has to wait again comes after those that had no turn. */
  #wake(): void {
    for (const stream of [...this.#waiting]) {
      if (this.#outlet.full) return;
      this.#waiting.delete(stream);
      this.sendBody(stream);
    }
  }

  #drained(): void {
    if (this.socket.isPaused()) this.socket.resume();
    this.#wake();
  }

  reset(stream: Http2Stream, code: Code): void {
    this.#refuse(stream.id, code);
    this.#forget(stream);
  }

  #forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#waiting.delete(stream);
    this.#creditConnection(stream.unreadBytes);
    stream.over();
  }

  // The end.

  #fail(code: Code): void {
    this.#sayGoodbye(code);
    this.#over();
    this.socket.destroySoon();
  }

  #sayGoodbye(code: Code): void {
    this.#lastHeard = Math.min(this.#lastHeard, this.#lastStream);
    this.#outlet.send(goawayFrame(this.#lastHeard, code));
    this.#outlet.flush();
  }

  #over(): void {
    if (this.#ended) return;
    this.#ended = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#waiting.clear();
    for (const stream of streams) stream.over();
  }
}

function expect(holds: boolean, code: Code): void {
  if (!holds) throw new ConnectionError(code, "a frame that may not come here");
}

/** Whether the body is as long as the request says, as far as it has come. */
function fitsLength({ headers, received }: Http2Stream, ended: boolean): boolean {
  const length = headers["content-length"];
  if (length === undefined) return true;
  return ended ? received === Number(length) : received <= Number(length);
}
