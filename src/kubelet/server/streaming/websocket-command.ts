import { once } from "node:events";
import { Readable, Writable } from "node:stream";

import type { WebSocket } from "ws";

import { type CommandStreams, type Outcome, parseSize, SizeHolder, statusOf, type StreamOptions } from "./command-streams.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;

const INPUT_BUFFER_BYTES = 256 * 1024;
const NORMAL_CLOSURE = 1000;

/** The subprotocols of remote commands, best first; the empty one is what a client without any speaks. */
export const COMMAND_PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io", ""] as const;
export type CommandProtocol = (typeof COMMAND_PROTOCOLS)[number];

/**
 * A remote command's streams inside one WebSocket: each message begins with its channel.
 *
 * @see staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go
 */
export class WebSocketCommand implements CommandStreams {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  readonly gone: AbortSignal;
  readonly #socket: WebSocket;
  readonly #protocol: CommandProtocol;
  readonly #sizes = new SizeHolder();
  #inputEnded = false;

  constructor(socket: WebSocket, protocol: CommandProtocol, { stdin, stdout, stderr, tty }: StreamOptions) {
    this.#socket = socket;
    this.#protocol = protocol;
    this.stdin = stdin ? new Readable({ highWaterMark: INPUT_BUFFER_BYTES, read: () => socket.resume() }) : undefined;
    this.stdout = stdout ? this.#output(STDOUT) : undefined;
    this.stderr = stderr && !tty ? this.#output(STDERR) : undefined;
    this.gone = this.#whenGone();
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    // Clients wait for a first, empty message to know that they are connected.
    this.#send(stdout ? STDOUT : stderr && !tty ? STDERR : ERROR, Buffer.alloc(0));
  }

  onResize(listener: Parameters<CommandStreams["onResize"]>[0]): void {
    this.#sizes.listen(listener);
  }

  async finish(outcome: Outcome): Promise<void> {
    const status = statusOf(outcome);
    const structured = this.#protocol.startsWith("v");
    if (structured) this.#send(ERROR, Buffer.from(JSON.stringify(status)));
    else if (status.status === "Failure") this.#send(ERROR, Buffer.from(status.message ?? ""));
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    // What still comes in is dropped, so that the closing handshake is read.
    this.#inputEnded = true;
    this.#socket.resume();
    this.#socket.close(NORMAL_CLOSURE);
    await once(this.#socket, "close");
  }

  #whenGone(): AbortSignal {
    const gone = new AbortController();
    this.#socket.on("error", () => this.#socket.terminate());
    this.#socket.once("close", () => {
      gone.abort();
      this.#input(null);
    });
    return gone.signal;
  }

  #output(channel: number): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        // A client that is gone is told by `gone`; the writer goes on into the void until it stops.
        this.#send(channel, chunk, () => done());
      },
    });
  }

  #send(channel: number, bytes: Buffer, done?: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return done?.();
    if (this.#protocol.includes("base64")) return this.#socket.send(`${channel}${bytes.toString("base64")}`, () => done?.());
    const message = Buffer.allocUnsafe(1 + bytes.length);
    message[0] = channel;
    bytes.copy(message, 1);
    this.#socket.send(message, () => done?.());
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (data.length === 0) return;
    const base64 = !isBinary && this.#protocol.includes("base64");
    const channel = base64 ? data[0]! - "0".charCodeAt(0) : data[0]!;
    const bytes = base64 ? Buffer.from(data.toString("latin1", 1), "base64") : data.subarray(1);
    if (channel === STDIN && bytes.length > 0) this.#input(bytes);
    else if (channel === CLOSE && this.#protocol === "v5.channel.k8s.io" && bytes[0] === STDIN) this.#input(null);
    else if (channel === RESIZE) this.#resize(bytes);
  }

  #input(bytes: Buffer | null): void {
    if (this.stdin === undefined || this.#inputEnded) return;
    this.#inputEnded = bytes === null;
    if (!this.stdin.push(bytes) && bytes !== null) this.#socket.pause();
  }

  #resize(bytes: Buffer): void {
    const size = parseSize(bytes.toString("utf8"));
    if (size !== undefined) this.#sizes.set(size);
  }
}
