import type { KubeObject } from "#apimachinery/object.ts";
import { StatusError, statusError } from "#apimachinery/status-error.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import type { Exchange, Outgoing } from "#apiserver/http/exchange.ts";
import { warningHeaders } from "#apiserver/http/exchange.ts";
import type { Headers } from "#apiserver/http/respond.ts";
import { addAuditId, addFlow } from "#apiserver/http/respond.ts";
import type { Frames } from "#apiserver/http/watch-frames.ts";
import type { PacedStream, WatchPacer } from "#apiserver/http/watch-pacer.ts";
import { conversionOf } from "#apiserver/registry/conversion.ts";
import { follow, type Following } from "#apiserver/registry/follow.ts";
import type { ListOptions } from "#apiserver/registry/options.ts";
import { pageOf, parseVersion, waitForVersion } from "#apiserver/registry/read.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import { type Selection, selectionOf } from "#apiserver/registry/selection.ts";
import type { Clock, Timer } from "#lib/clock.ts";
import { Http2Stream } from "#lib/http2/stream.ts";
import type { Rng } from "#lib/rng.ts";
import { CompactedError } from "#storage/store.ts";

export interface WatchDeps {
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly bookmarks: BookmarkTicker;
  readonly budget: WatchBudget;
  readonly pacer: WatchPacer;
}

/** How much may pile up for clients that do not read: for all together, so for one the less the more there are. */
export class WatchBudget {
  #open = 0;

  enter(): void {
    this.#open++;
  }

  leave(): void {
    this.#open--;
  }

  /**
   * A client that lets more than this pile up is too slow: it is cut off, and may begin again.
   *
   * @param sharers how many clients wait for the same bytes, which are there once
   */
  shareBytes(sharers: number): number {
    return Math.max(MIN_PENDING_BYTES, Math.min(MAX_PENDING_BYTES, (ALL_PENDING_BYTES / this.#open) * sharers));
  }
}

const MAX_PENDING_BYTES = 16 * 1024 * 1024;
const MIN_PENDING_BYTES = 1024 * 1024;
const ALL_PENDING_BYTES = 256 * 1024 * 1024;
const MIN_TIMEOUT_S = 1800;
const BOOKMARK_PERIOD_MS = 60_000;
/** So short a watch ends without a last bookmark. */
const SHORT_WATCH_S = 3;
const INITIAL_EVENTS_END = { "k8s.io/initial-events-end": "true" };

/** Serves a watch until it ends. @param options checked */
export async function serveWatch(
  exchange: Exchange,
  served: ServedResource,
  namespace: string,
  options: ListOptions,
  frames: Frames,
  deps: WatchDeps,
): Promise<void> {
  const selection = selectionOf(served, { namespace, ...options });
  const { cache, clock } = deps;
  const start = options.resourceVersion === "" ? 0 : parseVersion(options.resourceVersion);
  if (options.sendInitialEvents === true && start > 0) await waitForVersion(cache, start);
  const initial = options.sendInitialEvents ?? start === 0;
  const prefix = namespace === "" ? served.prefix : `${served.prefix}${namespace}/`;
  // Not held while the watch lasts: what it shows may be large.
  let converted = initial && conversionOf(served) !== undefined ? await pageOf(cache, served, prefix, selection) : undefined;
  if (exchange.aborted) return;
  const timeoutSeconds = options.timeoutSeconds || MIN_TIMEOUT_S * (1 + deps.rng());
  await new Promise<void>((resolve) => {
    const stream = new WatchStream(exchange, served, frames, deps);
    deps.budget.enter();
    let following: Following | undefined;
    let timer: Timer | undefined = undefined;
    let lastBookmark = () => {};
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      deps.budget.leave();
      following?.stop();
      served.custom?.replaced.removeEventListener("abort", end);
      timer?.cancel();
      deps.bookmarks.remove(bookmark);
      stream.end();
      resolve();
    };
    const bookmark = () => stream.bookmark(following?.settled() ?? cache.revision());
    const onFailed = (error: unknown) => {
      stream.error(watchError(error, options.resourceVersion));
      end();
    };
    exchange.response.once("close", end);
    exchange.signal.addEventListener("abort", end, { once: true });
    served.custom?.replaced.addEventListener("abort", end, { once: true });
    stream.onOverflow = () => {
      exchange.response.destroy();
      end();
    };
    try {
      const afterRevision = converted?.revision ?? (initial || start === 0 ? cache.revision() : start);
      if (initial) stream.sendInitial((converted ?? listNow(cache, prefix, selection)).items);
      converted = undefined;
      if (options.sendInitialEvents === true && options.allowWatchBookmarks) stream.bookmark(afterRevision, INITIAL_EVENTS_END);
      following = follow(cache, served, { ...selection, afterRevision, onFailed }, (type, state) => stream.send(type, state));
    } catch (error) {
      onFailed(error);
    }
    if (ended) return;
    if (options.allowWatchBookmarks) {
      deps.bookmarks.add(bookmark);
      lastBookmark = bookmark;
    }
    timer = clock.after(timeoutSeconds * 1000, () => {
      if (timeoutSeconds > SHORT_WATCH_S) lastBookmark();
      end();
    });
    stream.open();
  });
}

function listNow(cache: WatchCache, prefix: string, { matches }: Selection): ReturnType<WatchCache["list"]> {
  return cache.list(prefix, matches === undefined ? {} : { filter: (cached: CachedObject) => matches(cached.object) });
}

function watchError(error: unknown, resourceVersion: string): StatusError {
  if (error instanceof CompactedError) return statusError.expired(`too old resource version: ${resourceVersion} (${error.compactedRevision})`);
  return error instanceof StatusError ? error : statusError.internal(error);
}

/** Calls all at once, once a minute: no timer for each watch. */
export class BookmarkTicker {
  readonly #clock: Clock;
  readonly #calls = new Set<() => void>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(call: () => void): void {
    this.#calls.add(call);
    this.#timer ??= this.#clock.every(BOOKMARK_PERIOD_MS, () => {
      for (const each of this.#calls) each();
    });
  }

  remove(call: () => void): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** Writes events to a client, as the pacer has it. */
class WatchStream implements PacedStream {
  readonly #exchange: Exchange;
  readonly #served: ServedResource;
  readonly #frames: Frames;
  readonly #budget: WatchBudget;
  readonly #pacer: WatchPacer;
  /** The state at the start, however large, does not count as the client's slowness. */
  #allowedBytes = 0;
  /** The least number of streams that what waits is shared with. */
  #sharers = 1;
  #pending: Buffer[] = [];
  #ended = false;
  onOverflow = () => {};

  constructor(exchange: Exchange, served: ServedResource, frames: Frames, { budget, pacer }: WatchDeps) {
    this.#exchange = exchange;
    this.#served = served;
    this.#frames = frames;
    this.#budget = budget;
    this.#pacer = pacer;
  }

  /** Sends the headers, also when there is no event yet. */
  open(): void {
    const { response } = this.#exchange;
    if (response.headersSent || this.#ended) return;
    const { warnings } = this.#exchange;
    const headers: Headers = { "cache-control": "no-cache, private", "content-type": this.#frames.contentType };
    addAuditId(headers, this.#exchange);
    if (warnings.length > 0) headers["warning"] = warningHeaders(warnings);
    if (this.#exchange.seat !== undefined) addFlow(headers, this.#exchange.seat);
    this.#exchange.code = 200;
    this.#exchange.audit?.stage("ResponseStarted");
    response.writeHead(200, headers as Record<string, string>);
    response.flushHeaders();
  }

  /** The state at the start. Its bytes are those of the cache, however slowly the client takes them. */
  sendInitial(states: readonly CachedObject[]): void {
    const pieces = this.#frames.initial(states);
    if (pieces.length === 0) return;
    this.open();
    writeAll(this.#exchange.response, pieces);
    this.#allowedBytes = this.#exchange.response.writableLength;
  }

  send(type: "ADDED" | "MODIFIED" | "DELETED", state: CachedObject): void {
    this.#push(this.#frames.event(type, state));
  }

  bookmark(revision: number, annotations?: Readonly<Record<string, string>>): void {
    const { info, apiVersion } = this.#served;
    const metadata = { resourceVersion: String(revision), ...(annotations && { annotations }) };
    const empty = { kind: info.kind, apiVersion, metadata } as unknown as KubeObject;
    this.#push(this.#frames.object("BOOKMARK", empty));
  }

  error({ status }: StatusError): void {
    this.#push(this.#frames.status(status));
  }

  end(): void {
    if (this.#ended) return;
    this.open();
    if (this.#pending.length > 0) this.write(Buffer.concat(this.takePending()), 1);
    this.#ended = true;
    if (!this.#exchange.response.writableEnded) this.#exchange.response.end();
  }

  #push(frame: Buffer): void {
    if (this.#ended) return;
    if (this.#pending.push(frame) === 1) this.#pacer.add(this);
  }

  takePending(): Buffer[] {
    const frames = this.#pending;
    this.#pending = [];
    return frames;
  }

  write(bytes: Buffer, sharers: number): void {
    if (this.#ended) return;
    this.open();
    const { response } = this.#exchange;
    this.#sharers = response.writableLength === 0 ? sharers : Math.min(this.#sharers, sharers);
    response.write(bytes);
    if (response.writableLength > this.#allowedBytes + this.#budget.shareBytes(this.#sharers)) this.onOverflow();
  }
}

/** HTTP/2 keeps references to the pieces until they go out; HTTP/1.1 gets them in one. */
function writeAll(response: Outgoing, pieces: readonly Buffer[]): void {
  if (response instanceof Http2Stream) response.writeAll(pieces);
  else response.write(Buffer.concat(pieces));
}
