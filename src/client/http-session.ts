import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from "node:http2";
import type { Clock, Timer } from "#lib/clock.ts";

const STREAMS_PER_SESSION = 100;
const WINDOW_BYTES = 4 * 1024 * 1024;
const PING_EVERY_MS = 30_000;
const PING_TIMEOUT_MS = 15_000;

/** PEM. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface SessionOptions extends ClientTls {
  /** `https://host:port` */
  readonly server: string;
  readonly clock: Clock;
}

interface Session {
  readonly tls: ClientTls;
  readonly http2: ClientHttp2Session;
  streams: number;
  pings: Timer | undefined;
}

/** HTTP/2 connections to one server, opened when needed; a broken one is left behind and the next request opens another. */
export class SessionPool {
  readonly #options: SessionOptions;
  readonly #sessions = new Set<Session>();
  #tls: ClientTls;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#tls = options;
  }

  /** Requests from now on go over connections that show this; what runs over others goes on. */
  useTls(tls: ClientTls): void {
    this.#tls = tls;
    for (const { http2, streams } of this.#sessions) if (streams === 0) http2.close();
  }

  request(headers: OutgoingHttpHeaders, hasBody: boolean): ClientHttp2Stream {
    const session = this.#free() ?? this.#open();
    const stream = session.http2.request(headers, { endStream: !hasBody });
    if (session.streams++ === 0) this.#watchOver(session);
    stream.once("close", () => {
      if (--session.streams === 0) this.#rest(session);
    });
    return stream;
  }

  close(): void {
    for (const session of this.#sessions) session.http2.destroy();
    this.#sessions.clear();
  }

  #free(): Session | undefined {
    for (const session of this.#sessions) {
      const { closed, destroyed } = session.http2;
      if (!closed && !destroyed && session.tls === this.#tls && session.streams < STREAMS_PER_SESSION) return session;
    }
    return undefined;
  }

  #open(): Session {
    const tls = this.#tls;
    const { ca, cert, key } = tls;
    const http2 = connect(this.#options.server, {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    });
    const session: Session = { tls, http2, streams: 0, pings: undefined };
    const leave = () => {
      this.#sessions.delete(session);
      session.pings?.cancel();
    };
    // The streams report what went wrong; without a listener the process would end.
    http2.on("error", leave);
    // After a server's farewell the session counts as closed and cannot be pinged, yet its watches go on until it ends.
    http2.on("close", leave);
    http2.once("connect", () => http2.setLocalWindowSize(WINDOW_BYTES));
    this.#sessions.add(session);
    return session;
  }

  /** A server that vanished without a word is noticed by pings, while somebody waits for it. */
  #watchOver(session: Session): void {
    const { clock } = this.#options;
    session.http2.ref();
    session.pings = clock.every(PING_EVERY_MS, () => {
      const { http2 } = session;
      if (http2.closed || http2.destroyed || http2.connecting) return;
      const timeout = clock.after(PING_TIMEOUT_MS, () => http2.destroy(new Error("no answer to a ping"), constants.NGHTTP2_INTERNAL_ERROR));
      http2.ping(() => timeout.cancel());
    });
  }

  #rest(session: Session): void {
    session.pings?.cancel();
    session.pings = undefined;
    if (session.http2.destroyed) return;
    if (session.tls === this.#tls) session.http2.unref();
    else session.http2.close();
  }
}
