import { EventEmitter } from "node:events";
import { type OutgoingHttpHeaders, STATUS_CODES } from "node:http";

import type { WebSocket } from "ws";

import type { Outgoing } from "#apiserver/http/exchange.ts";
import { type AcceptWebSocket, offeredProtocols, type WebSocketRequest } from "#lib/websocket.ts";

/** What an answer is made of: bytes that are cut anywhere, or a watch's events. */
type Content = "bytes" | "events";
type Message = string | Uint8Array;

const NORMAL_CLOSURE = 1000;
const BUFFER_BYTES = 64 * 1024;
const BINARY = "binary.k8s.io";
const BASE64 = "base64.binary.k8s.io";
const LENGTH_BYTES = 4;

/**
 * An answer that goes out as messages of a WebSocket, once its status is 200; any other is plain HTTP.
 *
 * @see staging/src/k8s.io/apimachinery/pkg/util/httpstream/wsstream/stream.go
 */
export class MessageResponse extends EventEmitter implements Outgoing {
  readonly #upgrade: WebSocketRequest;
  readonly #accept: AcceptWebSocket;
  readonly #content: Content;
  readonly #protocol: string | undefined;
  #socket: WebSocket | undefined;
  #messagesOf: (chunk: Uint8Array) => Message[] = (chunk) => [chunk];
  headersSent = false;
  writableEnded = false;
  writableFinished = false;

  constructor(upgrade: WebSocketRequest, accept: AcceptWebSocket, content: Content) {
    super();
    this.#upgrade = upgrade;
    this.#accept = accept;
    this.#content = content;
    this.#protocol = protocolFor(content, offeredProtocols(upgrade.request));
    const { socket } = upgrade;
    socket.on("error", () => socket.destroy());
    socket.on("drain", () => this.emit("drain"));
    socket.once("close", () => this.emit("close"));
  }

  get writableLength(): number {
    return this.#socket?.bufferedAmount ?? this.#upgrade.socket.writableLength;
  }

  writeHead(code: number, headers: OutgoingHttpHeaders = {}): this {
    this.headersSent = true;
    if (code !== 200) this.#plainHead(code, headers);
    else if (this.#protocol === undefined) this.#refuse();
    else this.#begin(this.#protocol, String(headers["content-type"] ?? ""));
    return this;
  }

  flushHeaders(): void {}

  write(chunk: Uint8Array): boolean {
    if (this.writableEnded) return true;
    if (this.#socket === undefined) return this.#upgrade.socket.write(chunk);
    for (const message of this.#messagesOf(chunk)) this.#socket.send(message, () => {});
    return this.#socket.bufferedAmount < BUFFER_BYTES;
  }

  end(chunk?: Uint8Array): this {
    if (this.writableEnded) return this;
    if (chunk !== undefined) this.write(chunk);
    this.writableEnded = true;
    this.writableFinished = true;
    if (this.#socket === undefined) this.#upgrade.socket.end();
    else this.#socket.close(NORMAL_CLOSURE);
    return this;
  }

  destroy(): void {
    this.#upgrade.socket.destroy();
  }

  #begin(protocol: string, type: string): void {
    try {
      this.#socket = this.#accept(this.#upgrade, protocol);
    } catch {
      return this.destroy(); // the client has been told that its handshake is wrong
    }
    this.#socket.on("error", () => this.destroy());
    this.#messagesOf =
      this.#content === "events" ? eventsOf(type) : protocol === BASE64 ? (chunk) => [Buffer.from(chunk).toString("base64")] : (chunk) => [chunk];
  }

  #plainHead(code: number, headers: OutgoingHttpHeaders): void {
    const lines = Object.entries({ ...headers, connection: "close" }).flatMap(([name, value]) => [value ?? []].flat().map((each) => `${name}: ${each}\r\n`));
    this.#upgrade.socket.write(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ""}\r\n${lines.join("")}\r\n`);
  }

  /** Of a client that speaks none of our subprotocols. */
  #refuse(): void {
    this.#plainHead(403, { "content-length": 0 });
    this.end();
  }
}

/** The subprotocol to answer with; `undefined` when there is none. A watch has no subprotocols of its own. */
function protocolFor(content: Content, offered: readonly string[]): string | undefined {
  if (offered.length === 0) return "";
  if (content === "events") return offered.length === 1 ? offered[0] : undefined;
  return offered.find((protocol) => protocol === BINARY || protocol === BASE64);
}

/** One message for each event: JSON as text, lines with their ends; protobuf without its length. */
function eventsOf(type: string): (chunk: Uint8Array) => Message[] {
  return type.startsWith("application/json")
    ? (chunk) =>
        Buffer.from(chunk)
          .toString("utf8")
          .match(/[^\n]*\n/g) ?? []
    : unframed;
}

function unframed(chunk: Uint8Array): Message[] {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at + LENGTH_BYTES <= bytes.length; ) {
    const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
    messages.push(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return messages;
}
