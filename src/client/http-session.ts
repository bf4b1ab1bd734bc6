import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from "node:http2";
import type { Clock, Timer } from "#lib/clock.ts";

const STREAMS_PER_SESSION = 100;
const WINDOW_BYTES = 4 * 1024 * 1024;
const PING_EVERY_MS = 30_000;
const PING_TIMEOUT_MS = 15_000;

export interface SessionOptions {
  /** `https://host:port` */
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly clock: Clock;
}

interface Session {
  readonly http2: ClientHttp2Session;
  streams: number;
  pings: Timer | undefined;
}

/** HTTP/2 connections to one server, opened when needed; a broken one is left behind and the next request opens another. */
export class SessionPool {
  readonly #options: SessionOptions;
  readonly #sessions = new Set<Session>();

  constructor(options: SessionOptions) {
    this.#options = options;
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
      if (!closed && !destroyed && session.streams < STREAMS_PER_SESSION) return session;
    }
    return undefined;
  }

  #open(): Session {
    const { server, ca, cert, key } = this.#options;
    const http2 = connect(server, {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    });
    const session: Session = { http2, streams: 0, pings: undefined };
    const leave = () => {
      this.#sessions.delete(session);
      session.pings?.cancel();
    };
    // The streams report what went wrong; without a listener the process would end.
    http2.on("error", leave);
    // After a server's farewell the session counts as closed, yet its watches go on, and are watched over until it ends.
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
    if (!session.http2.destroyed) session.http2.unref();
  }
}
