import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";

export type PatchType = "json" | "merge" | "strategic" | "apply";

/** One request to the API, independent of how it travels. */
export interface ApiCall {
  readonly verb: "get" | "list" | "create" | "update" | "patch" | "delete" | "deletecollection";
  readonly resource: Resource;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** An object, a patch, or DeleteOptions. */
  readonly body?: unknown;
  readonly patchType?: PatchType | undefined;
  readonly options?: CallOptions | undefined;
}

/** Query parameters, by their names on the wire. */
export interface CallOptions {
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly fieldManager?: string | undefined;
  readonly force?: boolean | undefined;
  readonly dryRun?: "All" | undefined;
}

export interface WatchCall {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Events after this version. */
  readonly resourceVersion: string;
}

export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: T;
}

export interface WatchSink {
  onEvent(event: WatchEvent): void;
  /** The watch is over; `error` is a StatusError for what the server said (410: list again), absent on a plain end. */
  onEnd(error?: Error): void;
}

/**
 * How a client reaches the API: over HTTP, or in the API server's own process.
 *
 * In process, objects are the watch cache's own, frozen; events are given synchronously as the cache takes them, so when
 * a write's promise resolves, every in-process watch has already seen it.
 */
export interface Transport {
  /** @throws {StatusError} for whatever the API refuses */
  perform(call: ApiCall, signal?: AbortSignal): Promise<unknown>;
  watch(call: WatchCall, sink: WatchSink): { stop(): void };
}
