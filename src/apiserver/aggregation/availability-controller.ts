import { type Availability, withAvailability } from "#api/apiregistration-v1/conditions.ts";
import { SERVICES } from "#api/builtin.ts";
import { SERVICE_NAME_LABEL } from "#api/discovery-v1/endpoint-slice.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import { builtin } from "#api/resources.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { ApiServices, RemoteService } from "#apiserver/aggregation/api-services.ts";
import { API_SERVICES } from "#apiserver/aggregation/auto-registration.ts";
import { failedDiscovery, missingBehind, PASSED } from "#apiserver/aggregation/availability.ts";
import { afterPatience } from "#apiserver/aggregation/patient-timer.ts";
import { dialWords, pathOf, type RemoteDialer } from "#apiserver/aggregation/remote-dialer.ts";
import { identityHeaders } from "#apiserver/aggregation/remote-headers.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { storagePrefix } from "#apiserver/registry/resource-table.ts";
import type { Call } from "#apiserver/registry/types.ts";
import { SYSTEM_MASTERS } from "#apiserver/user.ts";
import { type Clock, formatTime, type Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface AvailabilityDeps {
  readonly services: ApiServices;
  readonly dialer: RemoteDialer;
  readonly cache: WatchCache;
  readonly reader: ObjectReader;
  readonly perform: (call: Call) => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const SLICES = builtin<EndpointSlice>("discovery.k8s.io", "v1", "endpointslices");
const SERVICE_PREFIX = storagePrefix("", "services");
const SLICE_PREFIX = storagePrefix("discovery.k8s.io", "endpointslices");
/** Networks change without telling the API. */
const RESYNC_MS = 30_000;
const FIRST_RETRY_MS = 5;
const LAST_RETRY_MS = 30_000;
/** Of several endpoints, one that answers is enough. */
const ATTEMPTS = 5;
const ANSWER_TIMEOUT_MS = 5000;

/** Finds out which extension servers answer, and writes it into their APIServices. */
export class AvailabilityController {
  readonly #deps: AvailabilityDeps;
  readonly #dirty = new Set<string>();
  readonly #syncing = new Set<string>();
  readonly #failures = new Map<string, { readonly count: number; readonly timer: Timer }>();
  readonly #watches: { stop(): void }[] = [];
  #resync: Timer | undefined;
  #stopped = false;

  constructor(deps: AvailabilityDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { cache, clock, services } = this.#deps;
    const afterRevision = cache.revision();
    services.onChange((name) => this.#enqueue(name));
    this.#watches.push(
      cache.watch(SERVICE_PREFIX, { afterRevision }, ({ key }) => this.#touched(key.slice(SERVICE_PREFIX.length))),
      cache.watch(SLICE_PREFIX, { afterRevision }, ({ key, current }) => {
        const namespace = key.slice(SLICE_PREFIX.length, key.indexOf("/", SLICE_PREFIX.length));
        if (!services.remotes.some(({ spec }) => spec.service.namespace === namespace)) return; // before anything is decoded
        this.#touched(`${namespace}/${current.object.metadata.labels?.[SERVICE_NAME_LABEL] ?? ""}`);
      }),
    );
    this.#resync = clock.every(RESYNC_MS, () => this.#all());
    this.#all();
  }

  stop(): void {
    this.#stopped = true;
    this.#resync?.cancel();
    for (const watch of this.#watches) watch.stop();
    for (const { timer } of this.#failures.values()) timer.cancel();
  }

  #all(): void {
    for (const { metadata } of this.#deps.services.remotes) this.#enqueue(metadata.name);
  }

  #touched(service: string): void {
    for (const { metadata, spec } of this.#deps.services.remotes) {
      if (`${spec.service.namespace}/${spec.service.name}` === service) this.#enqueue(metadata.name);
    }
  }

  #enqueue(name: string): void {
    if (this.#stopped) return;
    this.#dirty.add(name);
    if (!this.#syncing.has(name)) void this.#run(name);
  }

  /** One at a time of each; what comes meanwhile is another round. */
  async #run(name: string): Promise<void> {
    this.#syncing.add(name);
    try {
      await undefined;
      while (this.#dirty.delete(name) && !this.#stopped) await this.#sync(name);
    } finally {
      this.#syncing.delete(name);
    }
  }

  async #sync(name: string): Promise<void> {
    const { services, logger } = this.#deps;
    const seen = services.get(name);
    const remote = services.remotes.find(({ metadata }) => metadata.name === name);
    if (seen === undefined || remote === undefined) return this.#forget(name);
    try {
      const found = await this.#judge(remote);
      await this.#write(remote, found);
      if (found.reason === "FailedDiscoveryCheck") return this.#again(name);
      this.#forget(name);
    } catch (error) {
      if (isStatus(error, "NotFound", "Conflict")) return; // it is heard of
      if (this.#stopped) return;
      logger.warn("the availability of an API cannot be told", { name, error });
      this.#again(name);
    }
  }

  async #judge(remote: RemoteService): Promise<Availability> {
    const { namespace = "", name = "" } = remote.spec.service;
    const { reader } = this.#deps;
    const slices = reader.list(SLICES, namespace).filter(({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === name);
    const missing = missingBehind({ remote, service: reader.lookup(SERVICES, namespace, name), slices });
    if (missing !== undefined) return missing;
    try {
      await Promise.any(Array.from({ length: ATTEMPTS }, () => this.#ask(remote)));
      return PASSED;
    } catch (error) {
      return failedDiscovery(((error as AggregateError).errors.at(-1) as Error).message);
    }
  }

  /** Any success will do; what it says is of no interest. */
  async #ask(remote: RemoteService): Promise<void> {
    const { dialer, clock } = this.#deps;
    const location = dialer.locate(remote);
    const url = `https://${location.authority}${pathOf(remote)}`;
    const user = { name: "system:kube-aggregator", uid: "", groups: [SYSTEM_MASTERS], extra: {} };
    const request = dialer.requestUnverified(location, { path: pathOf(remote), headers: { ...identityHeaders(user), host: location.authority } });
    const tooLong = () => request.destroy(new Error("context deadline exceeded (Client.Timeout exceeded while awaiting headers)"));
    const timer = afterPatience(clock, ANSWER_TIMEOUT_MS, tooLong);
    try {
      const code = await new Promise<number>((resolve, reject) => {
        request.on("error", reject);
        request.once("response", (response) => {
          response.destroy();
          resolve(response.statusCode ?? 0);
        });
        request.end();
      });
      if (code < 200 || code >= 300) throw new BadStatus(`bad status from ${url}: ${code}`);
    } catch (error) {
      const words = error instanceof BadStatus ? error.message : `Get ${JSON.stringify(url)}: ${dialWords(error, remote)}`;
      throw new Error(`failing or missing response from ${url}: ${words}`, { cause: error });
    } finally {
      timer.cancel();
    }
  }

  async #write(remote: RemoteService, found: Availability): Promise<void> {
    const { perform, services, clock } = this.#deps;
    const { name } = remote.metadata;
    if (this.#stopped || services.get(name) !== remote) return void this.#dirty.add(name); // it has changed meanwhile
    const told = withAvailability(remote, found, formatTime(clock.now()));
    if (told === remote) return;
    const body = { ...told, apiVersion: "apiregistration.k8s.io/v1", kind: "APIService" };
    await perform({ verb: "update", subresource: "status", resource: API_SERVICES, name, body });
  }

  #again(name: string): void {
    const count = (this.#failures.get(name)?.count ?? 0) + 1;
    this.#failures.get(name)?.timer.cancel();
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (count - 1), LAST_RETRY_MS);
    if (!this.#stopped) this.#failures.set(name, { count, timer: this.#deps.clock.after(delayMs, () => this.#enqueue(name)) });
  }

  #forget(name: string): void {
    this.#failures.get(name)?.timer.cancel();
    this.#failures.delete(name);
  }
}

class BadStatus extends Error {}
