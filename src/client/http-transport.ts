import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import { StringDecoder } from "node:string_decoder";

import type { Status } from "#apimachinery/meta-v1/types.ts";
import { failure, StatusError, type StatusReason } from "#apimachinery/status-error.ts";
import { apiPath, queryString } from "#client/api-path.ts";
import { type ClientTls, SessionPool, type SessionOptions } from "#client/http-session.ts";
import type { ApiCall, PatchType, Transport, WatchCall, WatchEvent, WatchSink } from "#client/transport.ts";

const REQUEST_TIMEOUT_MS = 60_000;
const MAX_BODY_BYTES = 512 * 1024 * 1024;
const MAX_WATCH_LINE_CHARS = 16 * 1024 * 1024;

const METHODS = { get: "GET", list: "GET", create: "POST", update: "PUT", patch: "PATCH", delete: "DELETE", deletecollection: "DELETE" } as const;

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

const REASONS: Readonly<Record<number, StatusReason>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  409: "Conflict",
  410: "Expired",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

export interface HttpTransportOptions extends SessionOptions {
  /** Sent as a bearer token. */
  readonly token?: string;
  readonly userAgent?: string;
  readonly requestTimeoutMs?: number;
}

export interface RawRequest {
  readonly method?: string;
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The API over HTTP/2 and TLS. */
export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #sessions: SessionPool;
  readonly #common: Readonly<Record<string, string>>;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#sessions = new SessionPool(options);
    const { token, userAgent = "skiff" } = options;
    this.#common = { accept: "application/json", "user-agent": userAgent, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  }

  async perform(call: ApiCall, signal?: AbortSignal): Promise<unknown> {
    const request: RawRequest = {
      method: METHODS[call.verb],
      path: apiPath(call) + queryString(call.options ?? {}),
      ...(call.body !== undefined && { body: JSON.stringify(call.body), headers: { "content-type": contentType(call) } }),
      ...(signal !== undefined && { signal }),
    };
    return this.json(request);
  }

  /** @throws {StatusError} for any answer that is not a success */
  async json<T>(request: RawRequest): Promise<T> {
    const { status, body } = await this.request(request);
    if (status >= 300) throw statusFrom(status, body.toString());
    return JSON.parse(body.toString()) as T;
  }

  /** Any path of the server; an answer of whatever status is a value. Reads are tried once more when a connection breaks. */
  async request(request: RawRequest): Promise<RawResponse> {
    try {
      return await this.#once(request);
    } catch (error) {
      const isRead = (request.method ?? "GET") === "GET";
      if (!isRead || request.signal?.aborted || error instanceof StatusError) throw error;
      return this.#once(request);
    }
  }

  watch(call: WatchCall, sink: WatchSink): { stop(): void } {
    const { resource, namespace, ...options } = call;
    const query = queryString({ ...options, watch: true, allowWatchBookmarks: true });
    let stream: ClientHttp2Stream;
    try {
      stream = this.#open({ path: apiPath({ resource, namespace }) + query });
    } catch (error) {
      queueMicrotask(() => sink.onEnd(error as Error));
      return { stop() {} };
    }
    return readWatch(stream, sink);
  }

  /** For connections from now on. */
  useTls(tls: ClientTls): void {
    this.#sessions.useTls(tls);
  }

  close(): void {
    this.#sessions.close();
  }

  #open({ method = "GET", path, headers = {}, body }: RawRequest): ClientHttp2Stream {
    return this.#sessions.request({ ":method": method, ":path": path, ...this.#common, ...headers }, body !== undefined);
  }

  #once(request: RawRequest): Promise<RawResponse> {
    const timeoutMs = request.timeoutMs ?? this.#options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted();
      const stream = this.#open(request);
      const timer = this.#options.clock.after(timeoutMs, () => stop(failure(504, "Timeout", `no answer to ${request.path} within ${timeoutMs} ms`)));
      const onAbort = () => stop(request.signal?.reason);
      const stop = (error: unknown) => {
        reject(error);
        stream.close(constants.NGHTTP2_CANCEL);
      };
      request.signal?.addEventListener("abort", onAbort, { once: true });
      stream.once("close", () => {
        timer.cancel();
        request.signal?.removeEventListener("abort", onAbort);
        reject(new Error(`connection closed during ${request.path}`));
      });
      stream.once("error", (cause) => reject(new Error(`request ${request.path} failed: ${cause.message}`, { cause })));
      collect(stream, resolve, stop);
      if (request.body !== undefined) stream.end(request.body);
    });
  }
}

function collect(stream: ClientHttp2Stream, resolve: (response: RawResponse) => void, fail: (error: unknown) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let headers: IncomingHttpHeaders & { ":status"?: number | undefined } = {};
  stream.once("response", (received) => (headers = received));
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) fail(new Error("the answer is too large"));
  });
  stream.once("end", () => {
    if (headers[":status"] !== undefined) resolve({ status: headers[":status"], headers, body: Buffer.concat(chunks, bytes) });
  });
}

/** A watch is a line of JSON for each event; an answer that is not a success is one Status. */
function readWatch(stream: ClientHttp2Stream, sink: WatchSink): { stop(): void } {
  const decoder = new StringDecoder("utf8");
  let status = 0;
  let rest = "";
  let over = false;
  const end = (error?: Error) => {
    if (over) return;
    over = true;
    stream.close(constants.NGHTTP2_CANCEL);
    sink.onEnd(error);
  };
  const take = (line: string) => {
    const event = JSON.parse(line) as WatchEvent | { type: "ERROR"; object: Status };
    if (event.type === "ERROR") end(new StatusError(event.object as Status));
    else sink.onEvent(event as WatchEvent);
  };
  stream.once("response", (headers) => (status = headers[":status"] ?? 0));
  stream.on("data", (chunk: Buffer) => {
    if (over) return;
    rest += decoder.write(chunk);
    if (rest.length > MAX_WATCH_LINE_CHARS) return end(new Error("a watch event is too large"));
    if (status !== 200) return;
    try {
      let start = 0;
      for (let newline = rest.indexOf("\n"); newline >= 0 && !over; newline = rest.indexOf("\n", start)) {
        if (newline > start) take(rest.slice(start, newline));
        start = newline + 1;
      }
      rest = rest.slice(start);
    } catch (cause) {
      end(new Error("a watch event cannot be read", { cause }));
    }
  });
  stream.once("end", () => status !== 0 && end(status === 200 ? undefined : statusFrom(status, rest))); // 0: cut off before the answer
  stream.once("error", (cause) => end(new Error(`watch failed: ${cause.message}`, { cause })));
  stream.once("close", () => end(new Error("connection closed during a watch")));
  return {
    stop() {
      over = true;
      stream.close(constants.NGHTTP2_CANCEL);
    },
  };
}

function contentType({ verb, patchType }: ApiCall): string {
  return verb === "patch" ? PATCH_TYPES[patchType ?? "merge"] : "application/json";
}

function statusFrom(code: number, body: string): StatusError {
  try {
    const parsed = JSON.parse(body) as Status;
    if (parsed.kind === "Status") return new StatusError({ code, ...parsed });
  } catch {
    // Not the API's own words: a proxy's, perhaps.
  }
  return failure(code, REASONS[code] ?? "", `the server answered ${code}: ${body.slice(0, 500)}`);
}
