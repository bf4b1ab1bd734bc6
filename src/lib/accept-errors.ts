import type { Server } from "node:net";

import type { Clock } from "./clock.ts";

const TELL_AGAIN_MS = 10_000;

/**
 * Keeps a server that listens alive when a connection cannot be taken, mostly for want of file descriptors: Node may tell
 * of that as an error of the server (libuv 1.52 cuts the connection without a word), and ends the process when nobody
 * listens for it. The server goes on with the next one.
 *
 * @param tell called now and then, with how many there were since the last time
 */
export function outliveAcceptErrors(server: Server, clock: Clock, tell: (error: Error, count: number) => void): void {
  let count = 0;
  let quietUntilMs = -Infinity;
  server.on("error", (error) => {
    count++;
    if (clock.monotonic() < quietUntilMs) return;
    quietUntilMs = clock.monotonic() + TELL_AGAIN_MS;
    tell(error, count);
    count = 0;
  });
}
