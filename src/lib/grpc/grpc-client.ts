import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { NetConnectOpts } from "node:net";
import type { Timer } from "#lib/clock.ts";
import { GRPC_DEADLINE_EXCEEDED, GRPC_RESOURCE_EXHAUSTED, GRPC_UNAVAILABLE, GRPC_UNKNOWN, GrpcError } from "./grpc-error.ts";
import { framed, MessageReader, MessageTooLargeError } from "./messages.ts";
import { type GrpcSessionOptions, openSession } from "./session.ts";

export interface GrpcCallOptions {
  /** The server is told; with a watchdog this side ends the call by itself, too. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface GrpcSink {
  onMessage(bytes: Uint8Array): void;
  /** Called once. `error` is absent when the server ended with status OK. */
  onEnd(error?: GrpcError): void;
}

/** A call whose requests are a stream, too. */
export interface GrpcRequests {
  send(message: Uint8Array): void;
  /** Ends the call from this side. */
  cancel(): void;
}

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * A gRPC client over one HTTP/2 connection, which is made on the first call and again after it broke. After a server's
 * farewell (GOAWAY) the calls in flight end on the old connection, and new ones open another. Messages are bytes; the
 * caller encodes them.
 */
export class GrpcClient {
  readonly #target: NetConnectOpts;
  readonly #options: GrpcSessionOptions;
  /** The one that takes new calls. */
  #session: ClientHttp2Session | undefined;
  /** All that are open, those that have been told farewell included. */
  readonly #sessions = new Set<ClientHttp2Session>();

  constructor(target: NetConnectOpts, options: GrpcSessionOptions = {}) {
    this.#target = target;
    this.#options = options;
  }

  /** @throws {GrpcError} for a status other than OK, and `GRPC_UNAVAILABLE` when there is no connection */
  unary(path: string, message: Uint8Array, options: GrpcCallOptions = {}): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let response: Uint8Array | undefined;
      const stream = this.#call(path, options, {
        onMessage: (bytes) => void (response = bytes),
        onEnd: (error) => {
          if (error !== undefined) reject(error);
          else if (response === undefined) reject(new GrpcError(GRPC_UNKNOWN, `${path}: no response message`));
          else resolve(response);
        },
      });
      stream.end(framed(message));
    });
  }

  /** Reads a server's stream until it ends or `signal` aborts. */
  stream(path: string, message: Uint8Array, sink: GrpcSink, options: GrpcCallOptions = {}): void {
    this.#call(path, options, sink).end(framed(message));
  }

  /** Opens a stream in both directions. */
  duplex(path: string, sink: GrpcSink, options: GrpcCallOptions = {}): GrpcRequests {
    const stream = this.#call(path, options, sink);
    return {
      send: (message) => void (stream.writable && stream.write(framed(message))),
      cancel: () => void stream.destroy(new Error("cancelled")),
    };
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#sessions.clear();
    this.#session = undefined;
  }

  #connected(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = openSession(this.#target, this.#options);
    const retire = () => {
      if (this.#session === session) this.#session = undefined;
    };
    session.on("error", retire).on("goaway", retire);
    session.on("close", () => {
      retire();
      this.#sessions.delete(session);
    });
    this.#sessions.add(session);
    this.#session = session;
    return session;
  }

  #call(path: string, { timeoutMs, signal, headers }: GrpcCallOptions, sink: GrpcSink): ClientHttp2Stream {
    const stream = this.#connected().request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(timeoutMs !== undefined && { "grpc-timeout": `${Math.ceil(timeoutMs)}m` }),
      ...headers,
    });
    const abort = () => void stream.destroy(new Error("aborted"));
    signal?.addEventListener("abort", abort, { once: true });
    const timer = timeoutMs === undefined ? undefined : this.#expire(stream, path, timeoutMs);
    receive(stream, path, new MessageReader(this.#options.maxMessageBytes ?? MAX_MESSAGE_BYTES), {
      onMessage: (bytes) => sink.onMessage(bytes),
      onEnd: (error) => {
        signal?.removeEventListener("abort", abort);
        timer?.cancel();
        sink.onEnd(error);
      },
    });
    if (signal?.aborted) abort();
    return stream;
  }

  #expire(stream: ClientHttp2Stream, path: string, timeoutMs: number): Timer | undefined {
    return this.#options.watchdog?.clock.after(timeoutMs, () => {
      stream.destroy(new GrpcError(GRPC_DEADLINE_EXCEEDED, `${path}: no answer within ${timeoutMs / 1000} s`));
    });
  }
}

function receive(stream: ClientHttp2Stream, path: string, reader: MessageReader, sink: GrpcSink): void {
  let status: GrpcError | "ok" | undefined;
  let failure: Error | undefined;
  const take = (headers: Record<string, unknown>) => {
    const code = headers["grpc-status"];
    if (code === undefined) return;
    status = code === "0" ? "ok" : new GrpcError(Number(code), decodeURIComponentLoosely(String(headers["grpc-message"] ?? "")));
  };
  stream.on("response", take).on("trailers", take);
  stream.on("error", (error) => void (failure = error));
  stream.on("data", (chunk: Buffer) => {
    for (const message of taken(reader, chunk, stream)) sink.onMessage(message);
  });
  stream.on("close", () => {
    if (status === "ok") return sink.onEnd();
    if (status !== undefined) return sink.onEnd(status);
    sink.onEnd(brokenCall(path, failure));
  });
}

function taken(reader: MessageReader, chunk: Buffer, stream: ClientHttp2Stream): readonly Buffer[] {
  try {
    return reader.push(chunk);
  } catch (error) {
    stream.destroy(error as Error);
    return [];
  }
}

function brokenCall(path: string, error: Error | undefined): GrpcError {
  if (error instanceof GrpcError) return error;
  const failure = isCancelled(error) && error.cause instanceof Error ? error.cause : error; // a call that waited for its connection
  const code = failure instanceof MessageTooLargeError ? GRPC_RESOURCE_EXHAUSTED : GRPC_UNAVAILABLE;
  return new GrpcError(code, `${path}: ${failure?.message ?? "connection closed"}`, { cause: failure });
}

function isCancelled(error: Error | undefined): error is Error {
  return error !== undefined && "code" in error && error.code === "ERR_HTTP2_STREAM_CANCEL";
}

/** A grpc-message is percent-encoded; what is not is left as it is. */
function decodeURIComponentLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
