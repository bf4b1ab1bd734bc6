import type { KeyObject } from "node:crypto";

import type { ResourceInfo } from "#api/resources.ts";
import { builtin } from "#api/resources.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { AdmissionChain } from "#apiserver/admission/admission.ts";
import type { ObjectReader, ObjectWatcher, ObjectWriter } from "#apiserver/admission/reader.ts";
import { Authenticator, TokenAuthenticators, type TokenReviewer } from "#apiserver/authn/authenticator.ts";
import { BootstrapTokens } from "#apiserver/authn/bootstrap-tokens.ts";
import { JwtKey } from "#apiserver/authn/jwt.ts";
import { type ObjectLookup, ServiceAccountTokens } from "#apiserver/authn/service-account-tokens.ts";
import type { Auditor } from "#apiserver/audit/auditor.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { clusterAuthorizer } from "#apiserver/authz/cluster-authorizer.ts";
import { grantCheck } from "#apiserver/authz/grant-check.ts";
import { RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { cacheReader, cacheWatcher, cacheWriter } from "#apiserver/cache/cache-reader.ts";
import { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { webhookConverters } from "#apiserver/customresources/conversion/webhook-converters.ts";
import { CustomResources } from "#apiserver/customresources/custom-resources.ts";
import { indexHandler } from "#apiserver/discovery/index-handler.ts";
import { FlowControl } from "#apiserver/flowcontrol/flow-control.ts";
import type { HealthCheck } from "#apiserver/http/health.ts";
import { healthHandler } from "#apiserver/http/health.ts";
import { StartHooks } from "#apiserver/http/start-hooks.ts";
import type { PlainHandler } from "#apiserver/http/plain.ts";
import { ResourceHandler } from "#apiserver/http/resource-handler.ts";
import { RequestLog } from "#apiserver/http/request-log.ts";
import type { HttpTls } from "#apiserver/http/server.ts";
import { HttpServer } from "#apiserver/http/server.ts";
import { WatchPacer } from "#apiserver/http/watch-pacer.ts";
import { BookmarkTicker, WatchBudget } from "#apiserver/http/watch-stream.ts";
import { ConversionMetrics } from "#apiserver/metrics/conversion-metrics.ts";
import { flowMetrics } from "#apiserver/metrics/flow-metrics.ts";
import { metricsHandler } from "#apiserver/metrics/handler.ts";
import { processMetrics } from "#apiserver/metrics/process-metrics.ts";
import { RequestMetrics } from "#apiserver/metrics/request-metrics.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { EventExpiry } from "#apiserver/registry/event-expiry.ts";
import { Pipeline } from "#apiserver/registry/pipeline.ts";
import { ResourceApi } from "#apiserver/registry/resource-api.ts";
import { ResourceTable } from "#apiserver/registry/resource-table.ts";
import { specialHandlers } from "#apiserver/registry/special/handlers.ts";
import type { TokenIssuer } from "#apiserver/registry/special/token.ts";
import type { SubresourceHandler } from "#apiserver/registry/subresource.ts";
import { SubresourceTable } from "#apiserver/registry/subresource.ts";
import type { ResourceHooks } from "#apiserver/registry/types.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";
import type { Store } from "#storage/store.ts";

export interface ApiServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly newUid: () => string;
  readonly logger: Logger;
  readonly tls: HttpTls;
  readonly serviceAccounts: { readonly key: KeyObject; readonly issuer: string; readonly audiences: readonly string[] };
  /** By default system:masters, nodes and roles, as upstream's modes Node and RBAC have it. */
  readonly authorizer?: Authorizer;
  readonly auditor?: Auditor | undefined;
  /** The kinds to serve; by default upstream's. */
  readonly kinds?: readonly ResourceInfo[];
  /** In upstream's order. */
  readonly admission?: (parts: AdmissionParts) => readonly AdmissionPlugin[];
  /** By `group/plural`, the core group's name empty: `/services`. */
  readonly hooks?: (reader: ObjectReader) => Readonly<Record<string, ResourceHooks>>;
  /** Discovery, OpenAPI, version and the like. */
  readonly plain?: (parts: ApiServerParts) => readonly PlainHandler[];
  readonly subresources?: (parts: ApiServerParts) => readonly SubresourceHandler[];
}

/** What admission plugins are built from. */
export interface AdmissionParts {
  readonly reader: ObjectReader;
  readonly writer: ObjectWriter;
  readonly watcher: ObjectWatcher;
  readonly authorizer: Authorizer;
  readonly resources: ResourceTable;
}

/** What the server's optional parts are built from. */
export interface ApiServerParts {
  readonly deps: RegistryDeps;
  readonly resources: ResourceTable;
  readonly reader: ObjectReader;
  readonly tokens: TokenReviewer;
  readonly tokenIssuer: TokenIssuer;
}

/** An API server over a store, with its HTTPS listener and its entry for components of the same process. */
export class ApiServer {
  readonly cache: WatchCache;
  readonly reader: ObjectReader;
  readonly resources: ResourceTable;
  readonly pipeline: Pipeline;
  readonly http: HttpServer;
  /** What the start has still to do. */
  readonly hooks: StartHooks;
  readonly #events: EventExpiry;
  readonly #customResources: CustomResources;

  private constructor(parts: {
    cache: WatchCache;
    reader: ObjectReader;
    resources: ResourceTable;
    pipeline: Pipeline;
    http: HttpServer;
    hooks: StartHooks;
    events: EventExpiry;
    customResources: CustomResources;
  }) {
    this.#events = parts.events;
    this.#customResources = parts.customResources;
    this.cache = parts.cache;
    this.reader = parts.reader;
    this.resources = parts.resources;
    this.pipeline = parts.pipeline;
    this.http = parts.http;
    this.hooks = parts.hooks;
  }

  /** Loads the store's state; nothing listens yet. */
  static async open(options: ApiServerOptions): Promise<ApiServer> {
    const { clock, rng, logger, tls, serviceAccounts } = options;
    const hooks = new StartHooks();
    const cache = await WatchCache.open(options.store, { clock, logger });
    hooks.done("generic-apiserver-start-informers", "storage-object-count-tracker-hook");
    const reader = cacheReader(cache);
    const resources = new ResourceTable(options.kinds);
    const roles = new RbacIndex(cache);
    const authorizer = options.authorizer ?? clusterAuthorizer(cache, roles);
    const own = options.hooks?.(reader) ?? {};
    const deps: RegistryDeps = {
      cache,
      clock,
      rng,
      newUid: options.newUid,
      admission: new AdmissionChain([
        ...(options.admission?.({ reader, writer: cacheWriter(cache), watcher: cacheWatcher(cache), authorizer, resources }) ?? []),
        grantCheck(authorizer, roles),
      ]),
      authorizer,
      hooks: ({ group, plural }) => own[`${group}/${plural}`],
    };
    hooks.done("start-apiserver-admission-initializer");
    const tokenKey = new JwtKey(serviceAccounts.key);
    const lookup: ObjectLookup = (plural, namespace, name) => reader.lookup(builtin("", "v1", plural), namespace, name);
    const tokens = new TokenAuthenticators(
      new ServiceAccountTokens({ ...serviceAccounts, key: tokenKey, clock, lookup }),
      new BootstrapTokens({ ...serviceAccounts, clock, lookup }),
    );
    const tokenIssuer = { ...serviceAccounts, key: tokenKey };
    const parts: ApiServerParts = { deps, resources, reader, tokens, tokenIssuer };
    const subresources = new SubresourceTable();
    subresources.register(...specialHandlers(parts), ...(options.subresources?.(parts) ?? []));
    const api = new ResourceApi(deps, subresources);
    const flow = new FlowControl({ reader, watcher: cacheWatcher(cache), clock });
    hooks.done("priority-and-fairness-config-consumer", "priority-and-fairness-filter");
    const watch = { cache, clock, rng, bookmarks: new BookmarkTicker(clock), budget: new WatchBudget(), pacer: new WatchPacer(clock) };
    const { first, last } = ownChecks(options.store, cache, () => http.closing);
    const healthChecks = () => [...first, ...hooks.checks, ...last];
    const metrics = new RequestMetrics();
    const sources = [() => metrics.render(), () => flowMetrics(flow), () => processMetrics(clock.now())];
    const plain = [healthHandler(healthChecks), metricsHandler({ parts: sources, healthChecks }), ...(options.plain?.(parts) ?? [])];
    const http: HttpServer = new HttpServer({
      tls,
      authenticator: new Authenticator(tokens),
      authorizer,
      resources: new ResourceHandler({ api, resources, subresources, authorizer, watch, flow }),
      flow,
      plain: [...plain, indexHandler(plain)],
      auditor: options.auditor,
      observer: new RequestLog({ clock, logger, metrics }),
      logger,
      clock,
      newUid: options.newUid,
    });
    const events = new EventExpiry(cache, clock, logger);
    const conversions = new ConversionMetrics();
    sources.push(() => conversions.render());
    const converters = webhookConverters({ reader, clock, newUid: options.newUid, metrics: conversions });
    const customResources = new CustomResources({ registry: deps, resources, subresources, converters, logger });
    customResources.start();
    hooks.done("start-apiextensions-informers", "start-apiextensions-controllers");
    hooks.add("crd-informer-synced", () => (customResources.isSettled ? undefined : "not finished"));
    return new ApiServer({ hooks, events, customResources, cache, reader, resources, pipeline: new Pipeline(api, resources, deps), http });
  }

  /** Resolves to the port. */
  listen(port: number, host: string): Promise<number> {
    this.#events.start();
    return this.http.listen(port, host);
  }

  /** Cuts all connections; the store stays open. */
  async close(): Promise<void> {
    this.#events.stop();
    await this.#customResources.stop();
    await this.http.close();
    this.cache.close();
  }
}

/** Under upstream's names, as far as there is something behind them here. */
function ownChecks(
  store: Store,
  cache: WatchCache,
  isClosing: () => boolean,
): { readonly first: readonly HealthCheck[]; readonly last: readonly HealthCheck[] } {
  const fine = () => undefined;
  const stored = () => store.fault?.();
  return {
    first: [
      { name: "ping", check: fine },
      { name: "log", check: fine },
      { name: "etcd", check: stored },
      { name: "etcd-readiness", readyOnly: true, check: stored },
      { name: "informer-sync", readyOnly: true, check: () => (cache.isFollowing ? undefined : "1 informers not started yet: [cache]") },
    ],
    last: [{ name: "shutdown", readyOnly: true, check: () => (isClosing() ? "process is shutting down" : undefined) }],
  };
}
