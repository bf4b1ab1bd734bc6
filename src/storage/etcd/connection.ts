import type { NetConnectOpts } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { decodeMessage, encodeMessage } from "#apimachinery/protobuf/codec.ts";
import { type Clock, sleep } from "#lib/clock.ts";
import { GrpcClient, type GrpcRequests } from "#lib/grpc/grpc-client.ts";
import { GRPC_DEADLINE_EXCEEDED, GRPC_UNAVAILABLE, GrpcError } from "#lib/grpc/grpc-error.ts";
import type { Logger } from "#lib/logger.ts";
import { type EndpointFailure, StoreUnreachableError } from "../store.ts";
import { isCertificateFailure, isEndpointFailure } from "./errors.ts";
import { CALLS, type Calls, ETCD, type ResponseHeader, WATCH_PATH } from "./messages.ts";

export interface EtcdConnectionOptions {
  /** `https://host:port`, or `http://` without TLS. */
  readonly endpoints: readonly string[];
  /** PEM. */
  readonly tls?: Pick<ConnectionOptions, "ca" | "cert" | "key">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of one answer; lists with more are read in smaller pages. */
  readonly maxMessageBytes?: number;
}

interface Endpoint {
  readonly url: string;
  readonly client: GrpcClient;
  failure: EndpointFailure | undefined;
  /** It belongs to another cluster than the endpoint that answered first. */
  foreign: boolean;
}

const CONNECT_TIMEOUT_MS = 3000;
const PING_EVERY_MS = 10_000;
const PING_TIMEOUT_MS = 5000;
/** etcd itself gives up after seven seconds: an endpoint that says nothing for longer hangs. */
const CALL_TIMEOUT_MS = 8000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;
/** A member that has lost its leader refuses then, instead of waiting or answering from the past. */
const REQUIRE_LEADER = { hasleader: "true" };

/** One cluster's endpoints. Calls go to one of them, until it fails; then to the next. */
export class EtcdConnection {
  readonly #endpoints: readonly Endpoint[];
  readonly #clock: Clock;
  readonly #logger: Logger;
  #current = 0;
  #clusterId: number | undefined;

  constructor({ endpoints, tls, clock, logger, maxMessageBytes }: EtcdConnectionOptions) {
    const watchdog = { clock, connectTimeoutMs: CONNECT_TIMEOUT_MS, pingEveryMs: PING_EVERY_MS, pingTimeoutMs: PING_TIMEOUT_MS };
    this.#clock = clock;
    this.#logger = logger;
    this.#endpoints = endpoints.map((url): Endpoint => {
      const { protocol, hostname, port } = new URL(url);
      const host = hostname.replace(/^\[|\]$/g, "");
      const target: NetConnectOpts = { host, port: Number(port || 2379) };
      return {
        url,
        failure: undefined,
        foreign: false,
        client: new GrpcClient(target, {
          watchdog,
          ...(maxMessageBytes !== undefined && { maxMessageBytes }),
          ...(protocol === "https:" && { tls: { ...tls, servername: serverName(host) } }),
        }),
      };
    });
  }

  /** One attempt, at the endpoint that is in use. @throws {GrpcError} */
  async call<M extends keyof Calls>(method: M, request: Calls[M][0]): Promise<Calls[M][1]> {
    const endpoint = this.#inUse();
    const { path, request: requestType, response: responseType } = CALLS[method];
    try {
      const bytes = await endpoint.client.unary(path, encodeMessage(ETCD, requestType, request), { timeoutMs: CALL_TIMEOUT_MS, headers: REQUIRE_LEADER });
      const response = decodeMessage<Calls[M][1]>(ETCD, responseType, bytes);
      this.#checkCluster(response.header, endpoint);
      endpoint.failure = undefined;
      return response;
    } catch (error) {
      if (isEndpointFailure(error)) this.#leave(endpoint, error);
      throw error;
    }
  }

  /**
   * Repeats a call that changes nothing until an endpoint answers.
   *
   * @throws {StoreUnreachableError} after `timeoutMs`; at once when no endpoint takes our certificate, or we none of theirs
   */
  async read(request: Calls["range"][0], timeoutMs: number, signal?: AbortSignal): Promise<Calls["range"][1]> {
    const endMs = this.#clock.monotonic() + timeoutMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.call("range", request);
      } catch (error) {
        if (!isEndpointFailure(error)) throw error;
        if (this.#clock.monotonic() >= endMs || this.#endpoints.every(({ failure }) => failure?.certificate)) throw this.unreachable(error);
      }
      await this.pause(attempt, signal);
    }
  }

  /** Opens a stream of watches at the endpoint that is in use. `onEnd` is called once. */
  watch(onMessage: (bytes: Uint8Array) => void, onEnd: (error?: GrpcError) => void): GrpcRequests {
    const endpoint = this.#inUse();
    let cancelled = false;
    const end = (error?: GrpcError) => {
      if (!cancelled) this.#leave(endpoint, error ?? new GrpcError(GRPC_UNAVAILABLE, "the watch ended"));
      onEnd(error);
    };
    const requests = endpoint.client.duplex(WATCH_PATH, { onMessage, onEnd: end }, { headers: REQUIRE_LEADER });
    return {
      send: requests.send,
      cancel: () => {
        cancelled = true; // that is no fault of the endpoint
        requests.cancel();
      },
    };
  }

  /** Waits before the next attempt: not at all while there are endpoints that were not tried, then longer and longer. */
  async pause(attempt: number, signal?: AbortSignal): Promise<void> {
    const round = Math.floor(attempt / this.#endpoints.length);
    if (attempt % this.#endpoints.length === 0) await sleep(this.#clock, Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** round), signal);
  }

  unreachable(cause: unknown): StoreUnreachableError {
    return new StoreUnreachableError(
      this.#endpoints.map(({ url, failure }) => failure ?? { endpoint: url, reason: "not tried", certificate: false }),
      { cause },
    );
  }

  /** Whether another cluster stands in the place of the one that answered first. */
  isReplaced(): boolean {
    return this.#endpoints.every(({ foreign }) => foreign);
  }

  close(): void {
    for (const { client } of this.#endpoints) client.close();
  }

  #inUse(): Endpoint {
    return this.#endpoints[this.#current]!;
  }

  /** Of many calls that fail together, the first moves on. */
  #leave(endpoint: Endpoint, error: GrpcError): void {
    endpoint.failure = { endpoint: endpoint.url, reason: reasonOf(error), certificate: isCertificateFailure(error) };
    if (error.code === GRPC_DEADLINE_EXCEEDED) endpoint.client.close(); // its watch hangs as well
    if (this.#inUse() !== endpoint) return;
    this.#current = (this.#current + 1) % this.#endpoints.length;
    this.#logger.debug("an etcd endpoint failed", { ...endpoint.failure, next: this.#inUse().url });
  }

  /** An endpoint of another cluster must neither be read nor written. */
  #checkCluster({ clusterId }: ResponseHeader, endpoint: Endpoint): void {
    this.#clusterId ??= clusterId;
    endpoint.foreign = clusterId !== this.#clusterId;
    if (endpoint.foreign) throw new GrpcError(GRPC_UNAVAILABLE, `${endpoint.url} belongs to another etcd cluster than the endpoint that answered before`);
  }
}

/** An address has no name to be asked for. */
function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? "" : host;
}

/** The socket's words are shorter than the call's. */
function reasonOf({ cause, description }: GrpcError): string {
  if (!(cause instanceof Error)) return description;
  const { code } = cause as NodeJS.ErrnoException;
  return code !== undefined && !cause.message.includes(code) ? `${cause.message} (${code})`.trimStart() : cause.message;
}
