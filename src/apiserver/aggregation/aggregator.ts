import type { Duplex } from "node:stream";

import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import type { Resource } from "#api/resources.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { ApiServices, type RemoteService } from "#apiserver/aggregation/api-services.ts";
import { AutoRegistration } from "#apiserver/aggregation/auto-registration.ts";
import { unknownVersion } from "#apiserver/aggregation/unknown-version.ts";
import type { ProxyTls } from "#apiserver/aggregation/remote-dialer.ts";
import type { RemoteServers } from "#apiserver/aggregation/remote-servers.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import type { Priority, RemoteVersion, ResourceDiscovery } from "#apiserver/discovery/documents.ts";
import type { RemoteGroups } from "#apiserver/discovery/handler.ts";
import type { Exchange } from "#apiserver/http/exchange.ts";
import type { PlainRequest, PlainResponse } from "#apiserver/http/plain.ts";
import type { RemoteApi, Remotes } from "#apiserver/http/remotes.ts";
import type { RemoteDocuments } from "#apiserver/openapi/handler.ts";
import type { Swagger } from "#apiserver/openapi/swagger.ts";
import type { Call } from "#apiserver/registry/types.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface AggregatorDeps {
  readonly cache: WatchCache;
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly definitions: () => Iterable<CustomResourceDefinition>;
  /** Whether the server has that version of a group itself, custom resources aside. */
  readonly hasOwn: (group: string, version: string) => boolean;
  /** The registry, past authorization. */
  readonly perform: (call: Call) => Promise<unknown>;
  /** What extension servers know us by. */
  readonly proxyTls: () => ProxyTls | undefined;
}

/**
 * The APIServices of the cluster: those of this server's own groups are registered and always available, those of
 * extension servers have their requests handed on. What that takes is loaded with the first of them.
 */
export class Aggregator implements Remotes, RemoteGroups, RemoteDocuments {
  readonly services: ApiServices;
  readonly registration: AutoRegistration;
  readonly #deps: AggregatorDeps;
  #servers: Promise<RemoteServers> | undefined;
  #loaded: RemoteServers | undefined;
  #versions: readonly RemoteVersion[] | undefined;
  #stopped = false;

  constructor(deps: AggregatorDeps) {
    this.#deps = deps;
    this.services = new ApiServices(deps.cache);
    this.registration = new AutoRegistration({ ...deps, services: this.services });
    this.services.onChange(() => {
      this.#versions = undefined;
      this.#loadIfNeeded();
    });
  }

  start(): void {
    this.services.start();
    this.registration.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.services.stop();
    await this.registration.stop();
    (await this.#servers)?.stop();
  }

  /** Whether all is there that the present APIServices need. */
  get isLoaded(): boolean {
    return this.#loaded !== undefined || this.services.remotes.length === 0;
  }

  of(group: string, version: string): RemoteApi | undefined {
    const service = this.services.remoteOf(group, version);
    return service && this.#api(service);
  }

  get priorities(): ReadonlyMap<string, Priority> {
    return this.services.priorities;
  }

  get versions(): readonly RemoteVersion[] {
    return (this.#versions ??= this.services.remotes.map((service) => this.#loaded?.version(service) ?? unknownVersion(service)));
  }

  /** What extension servers keep in namespaces; `unknown` are group versions whose server does not say so. */
  get contents(): RemoteContents {
    const resources = this.versions.flatMap(({ group, version, discovery }) =>
      (discovery.resources ?? []).flatMap((each) => namespacedResource(group, version, each)),
    );
    const unknown = this.versions.filter(({ freshness }) => freshness === "Stale").map(({ group, version }) => `${group}/${version}`);
    return { resources, unknown };
  }

  /** A call of a component's; `undefined` for what this server has itself. */
  perform(call: Call): Promise<unknown> | undefined {
    const service = this.services.remoteOf(call.resource.group, call.resource.version);
    return service && this.#load().then((servers) => servers.perform(service, call));
  }

  get hasRemotes(): boolean {
    return this.services.remotes.length > 0;
  }

  get documents(): RemoteDocuments["documents"] {
    return this.#loaded?.documents ?? [];
  }

  async document(path: string, request: PlainRequest): Promise<PlainResponse | undefined> {
    return (await this.#servers)?.document(path, request);
  }

  async swaggers(): Promise<readonly Swagger[]> {
    return (await this.#servers)?.swaggers() ?? [];
  }

  #api(service: RemoteService): RemoteApi {
    return {
      serve: async (exchange: Exchange) => (await this.#load()).proxy.serve(exchange, service),
      upgrade: async (exchange: Exchange, client: { readonly socket: Duplex; readonly head: Buffer }) =>
        (await this.#load()).proxy.upgrade(exchange, service, client),
    };
  }

  #loadIfNeeded(): void {
    if (this.#servers !== undefined || this.services.remotes.length === 0) return;
    this.#load().catch((error: unknown) => this.#deps.logger.error("API services of other servers cannot be served", { error }));
  }

  #load(): Promise<RemoteServers> {
    return (this.#servers ??= this.#begin());
  }

  async #begin(): Promise<RemoteServers> {
    const { RemoteServers: Servers } = await import("#apiserver/aggregation/remote-servers.ts");
    const servers = new Servers({ ...this.#deps, services: this.services, onChange: () => (this.#versions = undefined) });
    if (this.#stopped) return servers;
    this.#loaded = servers;
    servers.start();
    return servers;
  }
}

export interface RemoteContents {
  readonly resources: readonly Resource[];
  readonly unknown: readonly string[];
}

function namespacedResource(group: string, version: string, { resource: plural, scope, responseKind, verbs }: ResourceDiscovery): readonly Resource[] {
  const kind = (responseKind as { readonly kind?: string } | undefined)?.kind ?? "";
  const can = verbs as readonly string[] | undefined;
  return scope === "Namespaced" && can?.includes("list") && can.includes("delete") ? [{ group, version, plural, kind, namespaced: true } as Resource] : [];
}
