import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { type NetConnectOpts, connect as connectSocket } from "node:net";

/** gRPC's status codes that callers tell apart. */
export const GRPC_UNKNOWN = 2;
export const GRPC_DEADLINE_EXCEEDED = 4;
export const GRPC_NOT_FOUND = 5;
export const GRPC_UNAVAILABLE = 14;

const CODE_NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

/** What a gRPC server, or the way to it, answered instead of a response; its message is in Go's form, as users see it in events. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: number;
  /** The server's own words. */
  readonly description: string;

  constructor(code: number, description: string, options?: ErrorOptions) {
    super(`rpc error: code = ${CODE_NAMES[code] ?? `Code(${code})`} desc = ${description}`, options);
    this.code = code;
    this.description = description;
  }
}

export interface GrpcCallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const PREFIX_BYTES = 5;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * A plaintext gRPC client over one HTTP/2 connection, which is made on the first call and again after it broke.
 * Messages are bytes; the caller encodes them.
 */
export class GrpcClient {
  readonly #target: NetConnectOpts;
  #session: ClientHttp2Session | undefined;

  constructor(target: NetConnectOpts) {
    this.#target = target;
  }

  /** @throws {GrpcError} for a status other than OK, and `GRPC_UNAVAILABLE` when there is no connection */
  unary(path: string, message: Uint8Array, options: GrpcCallOptions = {}): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let response: Uint8Array | undefined;
      this.#call(path, message, options, {
        onMessage: (bytes) => void (response = bytes),
        onEnd: (error) => {
          if (error !== undefined) reject(error);
          else if (response === undefined) reject(new GrpcError(GRPC_UNKNOWN, `${path}: no response message`));
          else resolve(response);
        },
      });
    });
  }

  /** Reads a server's stream until it ends or `signal` aborts; `onEnd` is called once. */
  stream(path: string, message: Uint8Array, sink: GrpcSink, options: GrpcCallOptions = {}): void {
    this.#call(path, message, options, sink);
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #connected(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect("http://localhost", { createConnection: () => connectSocket(this.#target) });
    const forget = () => {
      if (this.#session === session) this.#session = undefined;
    };
    session.on("error", forget).on("close", forget).on("goaway", forget);
    this.#session = session;
    return session;
  }

  #call(path: string, message: Uint8Array, { timeoutMs, signal, headers }: GrpcCallOptions, sink: GrpcSink): void {
    const stream = this.#connected().request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(timeoutMs !== undefined && { "grpc-timeout": `${Math.ceil(timeoutMs)}m` }),
      ...headers,
    });
    const abort = () => stream.destroy(new Error("aborted"));
    signal?.addEventListener("abort", abort, { once: true });
    receive(stream, path, {
      onMessage: sink.onMessage,
      onEnd: (error) => {
        signal?.removeEventListener("abort", abort);
        sink.onEnd(error);
      },
    });
    stream.end(framed(message));
  }
}

export interface GrpcSink {
  onMessage(bytes: Uint8Array): void;
  /** `error` is absent when the server ended with status OK. */
  onEnd(error?: GrpcError): void;
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

function receive(stream: ClientHttp2Stream, path: string, sink: GrpcSink): void {
  let pending: Buffer = Buffer.alloc(0);
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
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= PREFIX_BYTES) {
      const length = pending.readUInt32BE(1);
      if (length > MAX_MESSAGE_BYTES) return void stream.destroy(new Error(`message of ${length} bytes is too large`));
      if (pending.length < PREFIX_BYTES + length) return;
      sink.onMessage(pending.subarray(PREFIX_BYTES, PREFIX_BYTES + length));
      pending = pending.subarray(PREFIX_BYTES + length);
    }
  });
  stream.on("close", () => {
    if (status === "ok") return sink.onEnd();
    if (status !== undefined) return sink.onEnd(status);
    sink.onEnd(new GrpcError(GRPC_UNAVAILABLE, `${path}: ${failure?.message ?? "connection closed"}`, { cause: failure }));
  });
}

/** A grpc-message is percent-encoded; what is not is left as it is. */
function decodeURIComponentLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
