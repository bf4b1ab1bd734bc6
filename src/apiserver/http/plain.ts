import type { UserInfo } from "#apiserver/user.ts";

/** A request that names no resource: discovery, OpenAPI, version, health. */
export interface PlainRequest {
  readonly method: string;
  /** The path without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly user: UserInfo;
}

export interface PlainResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Answers what it knows; `undefined` lets the next handler try, and in the end gives a 404. */
export interface PlainHandler {
  (request: PlainRequest): PlainResponse | undefined | Promise<PlainResponse | undefined>;
  /** What `/` tells of. */
  readonly paths?: () => readonly string[];
}

/** A handler, with the paths that `/` tells of. */
export function listed(handler: PlainHandler, paths: () => readonly string[]): PlainHandler {
  return Object.assign(handler, { paths });
}
