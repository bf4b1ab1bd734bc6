import { isAvailable } from "#api/apiregistration-v1/conditions.ts";
import type { ApiServices, RemoteService } from "#apiserver/aggregation/api-services.ts";
import { pathOf, type RemoteDialer } from "#apiserver/aggregation/remote-dialer.ts";
import { type Fetch, fetchDiscovery } from "#apiserver/aggregation/remote-discovery.ts";
import { unknownVersion } from "#apiserver/aggregation/unknown-version.ts";
import { fetchFrom } from "#apiserver/aggregation/remote-fetch.ts";
import type { RemoteVersion } from "#apiserver/discovery/documents.ts";
import type { Clock, Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface RemoteIndexDeps {
  readonly services: ApiServices;
  readonly dialer: RemoteDialer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told when something is found that was not known before. */
  readonly onChange: () => void;
}

/** An extension server may serve other things than before without telling. */
const REFRESH_MS = 60_000;
/** One that is well and did not say all is asked again sooner. */
const RETRY_MS = 5000;

interface Entry {
  readonly service: RemoteService;
  readonly version: RemoteVersion;
  /** Of its OpenAPI v3 document; undefined where it has none. */
  readonly hash: string | undefined;
}

/** What extension servers say they have: kept, so that discovery and the index of OpenAPI never wait for them. */
export class RemoteIndex {
  readonly #deps: RemoteIndexDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<string>();
  #isRunning = false;
  #timer: Timer | undefined;
  #retry: Timer | undefined;
  #stopped = false;

  constructor(deps: RemoteIndexDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { services, clock } = this.#deps;
    services.onChange((name) => this.#enqueue(name));
    this.#timer = clock.every(REFRESH_MS, () => this.#all());
    this.#all();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#retry?.cancel();
  }

  /** What was found, by the APIService's name. */
  get(name: string): RemoteVersion | undefined {
    return this.#entries.get(name)?.version;
  }

  /** Of documents of OpenAPI v3 by their path, which extension servers have. */
  get documents(): readonly { readonly path: string; readonly hash: string; readonly service: RemoteService }[] {
    return Array.from(this.#entries.values()).flatMap(({ service, hash }) => (hash === undefined ? [] : [{ path: pathOf(service).slice(1), hash, service }]));
  }

  #all(): void {
    for (const { metadata } of this.#deps.services.remotes) this.#enqueue(metadata.name);
  }

  #enqueue(name: string): void {
    if (this.#stopped) return;
    this.#dirty.add(name);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await undefined; // several events of one turn are one look
    for (const name of this.#dirty) {
      this.#dirty.delete(name);
      const service = this.#deps.services.remotes.find(({ metadata }) => metadata.name === name);
      const entry = service === undefined ? undefined : await this.#look(service, this.#entries.get(name));
      this.#keep(name, entry);
    }
    this.#isRunning = false; // in the same turn as the last look at what is to be done
  }

  #keep(name: string, entry: Entry | undefined): void {
    if (entry === undefined) {
      if (!this.#entries.delete(name)) return;
    } else {
      if (isAlike(this.#entries.get(name), entry)) return;
      this.#entries.set(name, entry);
    }
    this.#deps.onChange();
  }

  /** What is found now; what was found before, as stale, when nothing can be. */
  async #look(service: RemoteService, before: Entry | undefined): Promise<Entry> {
    const of = (discovery: RemoteVersion["discovery"]): RemoteVersion => ({ ...unknownVersion(service), discovery, freshness: "Current" });
    const stale: Entry = { service, version: { ...(before?.version ?? unknownVersion(service)), freshness: "Stale" }, hash: before?.hash };
    if (!isAvailable(service)) return stale;
    try {
      const discovery = await fetchDiscovery(service, this.#fetch);
      return { service, version: of(discovery), hash: await this.#hash(service).catch(() => this.#again(before?.hash)) };
    } catch (error) {
      this.#again(undefined);
      this.#deps.logger.warn("an extension server does not say what it has", { service: service.metadata.name, error });
      return stale;
    }
  }

  #again<T>(known: T): T {
    this.#retry?.cancel();
    if (!this.#stopped) this.#retry = this.#deps.clock.after(RETRY_MS, () => this.#all());
    return known;
  }

  async #hash(service: RemoteService): Promise<string | undefined> {
    const { status, body } = await this.#fetch(service, "/openapi/v3", "application/json");
    if (status !== 200) return undefined;
    const { paths = {} } = JSON.parse(body.toString()) as { paths?: Readonly<Record<string, { readonly serverRelativeURL?: string }>> };
    const url = paths[pathOf(service).slice(1)]?.serverRelativeURL;
    return url === undefined ? undefined : (new URL(url, "https://any").searchParams.get("hash") ?? "");
  }

  readonly #fetch: Fetch = (service, path, accept) => fetchFrom(this.#deps, service, path, { headers: { accept } });
}

function isAlike(before: Entry | undefined, after: Entry): boolean {
  return before?.service === after.service && before.hash === after.hash && JSON.stringify(before.version) === JSON.stringify(after.version);
}
