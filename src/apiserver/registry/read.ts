import { failure, StatusError, statusError } from "#apimachinery/status-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { conversionOf, viewable } from "#apiserver/registry/conversion.ts";
import { decodeContinue, encodeContinue } from "#apiserver/registry/continue-token.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { ListOptions } from "#apiserver/registry/options.ts";
import { type ListOutcome, type ObjectOutcome, StoredOutcome } from "#apiserver/registry/outcome.ts";
import { storageKey } from "#apiserver/registry/resource-table.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import { selectionOf } from "#apiserver/registry/selection.ts";
import { CompactedError } from "#storage/store.ts";

type Reads = Pick<RegistryDeps, "cache">;

/** How long a read waits for a version that this server has not seen yet. */
const FRESHNESS_WAIT_MS = 3000;
const MAX_UINT64 = 18_446_744_073_709_551_615n;

export async function getObject(
  { cache }: Reads,
  served: ServedResource,
  { namespace, name, resourceVersion = "" }: { readonly namespace: string; readonly name: string; readonly resourceVersion?: string },
): Promise<ObjectOutcome> {
  if (resourceVersion !== "" && resourceVersion !== "0") await waitForVersion(cache, parseVersion(resourceVersion));
  const state = cache.get(storageKey(served.prefix, namespace, name));
  if (state === undefined) throw statusError.notFound(served.resource, name);
  return shown(served, await viewable(served, state));
}

/** A stored state, viewable, as the version that was asked for shows it. */
export function shown({ view }: ServedResource, state: CachedObject): ObjectOutcome {
  return view === undefined ? new StoredOutcome(200, state) : { code: 200, object: view.fromStored(state.object) };
}

/** @param options checked */
export async function listObjects({ cache }: Reads, served: ServedResource, namespace: string, options: ListOptions): Promise<ListOutcome> {
  const { matches } = selectionOf(served, { namespace, ...options });
  const prefix = namespace === "" ? served.prefix : `${served.prefix}${namespace}/`;
  const from = await startOf(cache, prefix, options);
  const limit = limitOf(options);
  let page;
  try {
    page = await pageOf(cache, served, prefix, { ...from, ...(limit > 0 && { limit }), matches });
  } catch (error) {
    if (error instanceof CompactedError) throw expired(prefix, options, from.startKey);
    throw error;
  }
  const { items, revision, remaining } = page;
  const last = items.at(-1);
  const more = remaining > 0 && last !== undefined;
  return {
    items,
    resourceVersion: String(revision),
    ...(more && { continue: encodeContinue(revision, prefix, last.key) }),
    ...(more && matches === undefined && { remainingItemCount: remaining }),
  };
}

interface PageRequest {
  readonly revision?: number;
  readonly startKey?: string;
  readonly limit?: number;
  readonly matches: ((object: KubeObject) => boolean) | undefined;
}

/** States that the resource's view can show. */
export async function pageOf(cache: WatchCache, served: ServedResource, prefix: string, { matches, revision, startKey, limit }: PageRequest): Promise<Page> {
  const conversion = conversionOf(served);
  const range = { ...(revision !== undefined && { revision }), ...(startKey !== undefined && { startKey }), ...(limit !== undefined && { limit }) };
  if (conversion === undefined) return cache.list(prefix, { ...range, ...(matches !== undefined && { filter: (cached) => matches(cached.object) }) });
  const all = { ...range, revision: revision ?? cache.revision() };
  const known = (cached: CachedObject) => conversion.known(cached)!;
  if (matches !== undefined) {
    const { limit: _, ...unlimited } = all; // a webhook may change what selectors look at
    await conversion.prepare(cache.list(prefix, unlimited).items);
  }
  const page = cache.list(prefix, { ...all, ...(matches !== undefined && { filter: (cached) => matches(known(cached).object) }) });
  await conversion.prepare(page.items);
  return { ...page, items: page.items.map(known) };
}

type Page = ReturnType<WatchCache["list"]>;

/** What is there already, whatever its version, is listed whole. */
const limitOf = ({ limit, resourceVersion }: ListOptions): number => (resourceVersion === "0" ? 0 : limit);

/** From which key on, and at which revision, a list shows things. */
async function startOf(cache: WatchCache, prefix: string, options: ListOptions): Promise<{ revision?: number; startKey?: string }> {
  const { resourceVersion, resourceVersionMatch: match, limit } = options;
  if (options.continue !== "") {
    if (resourceVersion !== "" && resourceVersion !== "0") throw statusError.badRequest("specifying resource version is not allowed when using continue");
    const { revision, startKey } = decodeContinue(options.continue, prefix);
    if (revision < 0) return { startKey };
    await waitForVersion(cache, revision);
    return { revision, startKey };
  }
  if (resourceVersion === "" || resourceVersion === "0") return {};
  const revision = parseVersion(resourceVersion, true);
  await waitForVersion(cache, revision);
  return match === "Exact" || (match === "" && limit > 0) ? { revision } : {};
}

/** A page of the past that is gone: the client may go on, with what there is now. */
function expired(prefix: string, options: ListOptions, startKey: string | undefined): Error {
  if (options.continue === "" || startKey === undefined) {
    return statusError.expired("The resourceVersion for the provided list is too old.");
  }
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, " +
    "or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an " +
    "inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
  const error = statusError.expired(message);
  const rest = encodeContinue(-1, prefix, startKey.endsWith("\0") ? startKey.slice(0, -1) : startKey);
  return Object.assign(error, { status: { ...error.status, metadata: { continue: rest } } });
}

/** @throws {StatusError} 500 for a get or watch, 400 for a list, as upstream has it */
export function parseVersion(text: string, isList = false): number {
  const isNumber = /^\d+$/.test(text);
  if (isNumber && BigInt(text) <= MAX_UINT64) return Number(text);
  const fault = `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${isNumber ? "value out of range" : "invalid syntax"}`;
  const detail = `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${fault}`;
  throw isList ? statusError.badRequest(`invalid resource version: ${detail}`) : new StatusError({ status: "Failure", message: detail, code: 500 });
}

/** @throws {StatusError} 504 when the version does not come */
export async function waitForVersion(cache: WatchCache, revision: number): Promise<void> {
  if (revision <= cache.revision() || (await cache.waitFor(revision, FRESHNESS_WAIT_MS))) return;
  const message = `Too large resource version: ${revision}, current: ${cache.revision()}`;
  throw failure(504, "Timeout", `Timeout: ${message}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

export function objectOf({ view }: ServedResource, { object }: CachedObject): KubeObject {
  return view === undefined ? object : view.fromStored(object);
}
