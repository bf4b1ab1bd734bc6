import { connect } from "node:net";
import type { Transport } from "#client/transport.ts";
import { type Clock, sleep } from "#lib/clock.ts";

/** Where a server starts at the same time, tens of milliseconds count; one that is away for longer is not called in a loop. */
const SOON_MS = 5000;
const SOON_RETRY_MS = 8;
const LATER_RETRY_MS = 500;
const TIMEOUT_MS = 5000;

/**
 * Resolves as soon as something accepts connections at `server`. A refused attempt costs next to nothing, while a client
 * that has been refused pauses, each time for longer, and would not be there when the server is.
 *
 * @param server `https://host:port`
 */
export async function firstContact(server: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, "");
  const beganMs = clock.monotonic();
  while (!(await accepts(host, Number(port) || 443))) {
    await sleep(clock, clock.monotonic() - beganMs < SOON_MS ? SOON_RETRY_MS : LATER_RETRY_MS, signal);
  }
}

/** Whether something accepts connections there. */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}

/** `transport`, whose calls wait for `contact`. */
export function afterContact(transport: Transport, contact: Promise<void>): Transport {
  return {
    async perform(call, signal) {
      await contact;
      return transport.perform(call, signal);
    },
    watch(call, sink) {
      let watch: { stop(): void } | undefined;
      let stopped = false;
      contact.then(
        () => {
          if (!stopped) watch = transport.watch(call, sink);
        },
        (error: Error) => sink.onEnd(error),
      );
      return {
        stop() {
          stopped = true;
          watch?.stop();
        },
      };
    },
  };
}
