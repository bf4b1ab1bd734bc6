import { type ClientHttp2Session, connect, constants } from "node:http2";
import { isIPv6, type NetConnectOpts, connect as connectSocket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Clock, Timer } from "#lib/clock.ts";

export interface GrpcSessionOptions {
  /** Speaks TLS with these; without, plaintext. */
  readonly tls?: ConnectionOptions;
  /** Ends connections on which nobody answers; without it only the socket's end does. */
  readonly watchdog?: Watchdog;
  /** A larger message ends its call with `GRPC_RESOURCE_EXHAUSTED`; by default 64 MiB. */
  readonly maxMessageBytes?: number;
}

export interface Watchdog {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  /** As long as the connection stands. */
  readonly pingEveryMs: number;
  readonly pingTimeoutMs: number;
}

const WINDOW_BYTES = 4 * 1024 * 1024;
/** Beyond, node:http2 breaks calls; its default of 10 is a few large requests. Callers bound what they have in flight. */
const SESSION_MEGABYTES = 1024;

/** Opens a connection; its first calls wait until it stands. */
export function openSession(target: NetConnectOpts, { tls, watchdog }: GrpcSessionOptions): ClientHttp2Session {
  const session = connect(`${tls === undefined ? "http" : "https"}://${authorityOf(target)}`, {
    createConnection() {
      const socket = tls === undefined ? connectSocket(target) : connectTls({ ...target, ...tls, ALPNProtocols: ["h2"] });
      // After a TLS alert, as for a certificate that was refused, node:http2 would leave it open for good.
      return socket.on("error", () => socket.destroy());
    },
    settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    maxSessionMemory: SESSION_MEGABYTES,
  });
  session.once("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
  if (watchdog !== undefined) watchOver(session, watchdog);
  return session;
}

function authorityOf(target: NetConnectOpts): string {
  if (!("port" in target)) return "localhost";
  const host = target.host ?? "localhost";
  return `${isIPv6(host) ? `[${host}]` : host}:${target.port}`;
}

function watchOver(session: ClientHttp2Session, { clock, connectTimeoutMs, pingEveryMs, pingTimeoutMs }: Watchdog): void {
  const timers = new Set<Timer>();
  const giveUp = (what: string) => session.destroy(new Error(what), constants.NGHTTP2_CANCEL);
  const connecting = clock.after(connectTimeoutMs, () => giveUp(`no connection within ${connectTimeoutMs / 1000} s`));
  timers.add(connecting);
  session.once("connect", () => {
    connecting.cancel();
    timers.add(
      clock.every(pingEveryMs, () => {
        if (session.destroyed) return; // its "close" is on the way
        const timeout = clock.after(pingTimeoutMs, () => giveUp(`no answer to a ping within ${pingTimeoutMs / 1000} s`));
        timers.add(timeout);
        session.ping(() => {
          timeout.cancel();
          timers.delete(timeout);
        });
      }),
    );
  });
  session.once("close", () => {
    for (const timer of timers) timer.cancel();
  });
}
