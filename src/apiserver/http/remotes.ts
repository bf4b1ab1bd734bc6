import type { Duplex } from "node:stream";

import type { Exchange } from "#apiserver/http/exchange.ts";

/** A group version that another server serves: requests for it are handed on, once they are allowed. */
export interface RemoteApi {
  serve(exchange: Exchange): Promise<void>;
  upgrade(exchange: Exchange, client: { readonly socket: Duplex; readonly head: Buffer }): Promise<void>;
}

export interface Remotes {
  /** @returns `undefined` for what this server serves itself, if anybody does */
  of(group: string, version: string): RemoteApi | undefined;
}

/** Of a path that names no resource: the documents of a group version are its server's. */
export function remoteOfPath(remotes: Remotes | undefined, path: string): RemoteApi | undefined {
  if (remotes === undefined || !path.startsWith("/apis/")) return undefined;
  const [, , group = "", version = ""] = path.split("/");
  return remotes.of(group, version);
}
