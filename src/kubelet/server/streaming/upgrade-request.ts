import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** A request that is to become another protocol; until it is accepted, an HttpError can still be answered. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly query: URLSearchParams;
}

/** A container as a path names it. */
export interface CommandTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}
