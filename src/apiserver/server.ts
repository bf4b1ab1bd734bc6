import type { KeyObject } from "node:crypto";

import type { ResourceInfo } from "#api/resources.ts";
import { builtin } from "#api/resources.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { AdmissionChain } from "#apiserver/admission/admission.ts";
import type { ObjectReader, ObjectWatcher, ObjectWriter } from "#apiserver/admission/reader.ts";
import { Authenticator, TokenAuthenticators, type TokenReviewer } from "#apiserver/authn/authenticator.ts";
import { RequestHeaders } from "#apiserver/authn/request-headers.ts";
import { BootstrapTokens } from "#apiserver/authn/bootstrap-tokens.ts";
import { JwtKey } from "#apiserver/authn/jwt.ts";
import { SecretTokens } from "#apiserver/authn/secret-tokens.ts";
import { type ObjectLookup, ServiceAccountTokens } from "#apiserver/authn/service-account-tokens.ts";
import { Aggregator } from "#apiserver/aggregation/aggregator.ts";
import type { ProxyTls } from "#apiserver/aggregation/remote-dialer.ts";
import type { Auditor } from "#apiserver/audit/auditor.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { clusterAuthorizer } from "#apiserver/authz/cluster-authorizer.ts";
import { grantCheck } from "#apiserver/authz/grant-check.ts";
import { RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { IdentityLease } from "#apiserver/bootstrap/identity-lease.ts";
import { cacheReader, cacheWatcher, cacheWriter } from "#apiserver/cache/cache-reader.ts";
import { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { webhookConverters } from "#apiserver/customresources/conversion/webhook-converters.ts";
import { CustomResources } from "#apiserver/customresources/custom-resources.ts";
import { indexHandler } from "#apiserver/discovery/index-handler.ts";
import { FlowControl } from "#apiserver/flowcontrol/flow-control.ts";
import type { HealthCheck } from "#apiserver/http/health.ts";
import { healthHandler } from "#apiserver/http/health.ts";
import { type StartHookName, StartHooks } from "#apiserver/http/start-hooks.ts";
import type { PlainHandler } from "#apiserver/http/plain.ts";
import { ResourceHandler } from "#apiserver/http/resource-handler.ts";
import { RequestLog } from "#apiserver/http/request-log.ts";
import type { HttpTls } from "#apiserver/http/server.ts";
import { HttpServer } from "#apiserver/http/server.ts";
import { WatchPacer } from "#apiserver/http/watch-pacer.ts";
import { BookmarkTicker, WatchBudget } from "#apiserver/http/watch-stream.ts";
import { ConversionMetrics } from "#apiserver/metrics/conversion-metrics.ts";
import { apiServiceMetrics } from "#apiserver/metrics/api-service-metrics.ts";
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
import type { Call, ResourceHooks } from "#apiserver/registry/types.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
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
  /** What extension API servers know this one by; without it, they are asked as by a stranger. */
  readonly proxyTls?: (() => ProxyTls | undefined) | undefined;
  /** Of the machine that it runs on: a Lease says so. */
  readonly hostname?: string | undefined;
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
  readonly aggregator: Aggregator;
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
  readonly aggregator: Aggregator;
  /** Signs tokens of accounts with the key that the server verifies them by. */
  readonly signToken: (claims: object) => string;
  readonly #events: EventExpiry;
  readonly #identity: IdentityLease | undefined;
  readonly #customResources: CustomResources;

  private constructor(parts: {
    cache: WatchCache;
    reader: ObjectReader;
    resources: ResourceTable;
    pipeline: Pipeline;
    http: HttpServer;
    hooks: StartHooks;
    aggregator: Aggregator;
    signToken: (claims: object) => string;
    events: EventExpiry;
    identity: IdentityLease | undefined;
    customResources: CustomResources;
  }) {
    this.#identity = parts.identity;
    this.#events = parts.events;
    this.#customResources = parts.customResources;
    this.cache = parts.cache;
    this.reader = parts.reader;
    this.resources = parts.resources;
    this.pipeline = parts.pipeline;
    this.http = parts.http;
    this.hooks = parts.hooks;
    this.aggregator = parts.aggregator;
    this.signToken = parts.signToken;
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
      new SecretTokens({ ...serviceAccounts, key: tokenKey, clock, lookup, logger, perform: (call) => perform(call) }),
      new BootstrapTokens({ ...serviceAccounts, clock, lookup }),
    );
    const tokenIssuer = { ...serviceAccounts, key: tokenKey };
    const subresources = new SubresourceTable();
    const conversions = new ConversionMetrics();
    const converters = webhookConverters({ reader, clock, newUid: options.newUid, metrics: conversions });
    const customResources = new CustomResources({ registry: deps, resources, subresources, converters, logger });
    const perform = (call: Call) => pipeline.perform(call, LOOPBACK_USER, { userAgent: "kube-apiserver/v1.35" });
    const aggregator = new Aggregator({
      cache,
      reader,
      clock,
      logger,
      definitions: () => customResources.definitions,
      hasOwn: (group, version) => resources.hasOwn(group, version),
      perform,
      proxyTls: options.proxyTls ?? (() => undefined),
    });
    const parts: ApiServerParts = { deps, resources, reader, tokens, tokenIssuer, aggregator };
    subresources.register(...specialHandlers(parts), ...(options.subresources?.(parts) ?? []));
    const api = new ResourceApi(deps, subresources);
    const pipeline = new Pipeline(api, resources, deps);
    const flow = new FlowControl({ reader, watcher: cacheWatcher(cache), clock });
    hooks.done("priority-and-fairness-config-consumer", "priority-and-fairness-filter");
    const watch = { cache, clock, rng, bookmarks: new BookmarkTicker(clock), budget: new WatchBudget(), pacer: new WatchPacer(clock) };
    const { first, last } = ownChecks(options.store, cache, () => http.closing);
    const healthChecks = () => [...first, ...hooks.checks, ...last];
    const metrics = new RequestMetrics();
    const ofServices = () => apiServiceMetrics(aggregator.services);
    const sources = [() => metrics.render(), () => flowMetrics(flow), () => processMetrics(clock.now()), () => conversions.render(), ofServices];
    const plain = [healthHandler(healthChecks), metricsHandler({ parts: sources, healthChecks }), ...(options.plain?.(parts) ?? [])];
    const http: HttpServer = new HttpServer({
      tls,
      authenticator: new Authenticator(tokens, new RequestHeaders(() => http.tls.requestHeader)),
      authorizer,
      resources: new ResourceHandler({ api, resources, subresources, authorizer, watch, flow, remotes: aggregator }),
      flow,
      plain: [...plain, indexHandler(plain)],
      auditor: options.auditor,
      remotes: aggregator,
      observer: new RequestLog({ clock, logger, metrics }),
      logger,
      clock,
      newUid: options.newUid,
    });
    const events = new EventExpiry(cache, clock, logger);
    customResources.start();
    customResources.onChange = (spec) => aggregator.registration.changed(spec);
    aggregator.start();
    addExtensionHooks(hooks, customResources, aggregator, options.proxyTls);
    const identity = options.hostname === undefined ? undefined : new IdentityLease({ ...options, reader, perform, hostname: options.hostname });
    if (identity !== undefined) for (const name of IDENTITY_HOOKS) hooks.add(name);
    const signToken = (claims: object) => tokenKey.sign(claims);
    return new ApiServer({ hooks, identity, aggregator, signToken, events, customResources, cache, reader, resources, pipeline, http });
  }

  /** Resolves to the port. */
  listen(port: number, host: string): Promise<number> {
    this.#events.start();
    this.#identity?.start();
    if (this.#identity !== undefined) this.hooks.done(...IDENTITY_HOOKS);
    return this.http.listen(port, host);
  }

  /** Cuts all connections; the store stays open. */
  async close(): Promise<void> {
    this.#events.stop();
    this.#identity?.stop();
    await this.aggregator.stop();
    await this.#customResources.stop();
    await this.http.close();
    this.cache.close();
  }
}

const IDENTITY_HOOKS = ["start-kube-apiserver-identity-lease-controller", "start-kube-apiserver-identity-lease-garbage-collector"] as const;

/** What serves custom resources and the APIs of other servers. */
function addExtensionHooks(hooks: StartHooks, customResources: CustomResources, aggregator: Aggregator, proxyTls: ApiServerOptions["proxyTls"]): void {
  const until = (isDone: () => boolean, ...names: readonly StartHookName[]) => {
    for (const name of names) hooks.add(name, () => (isDone() ? undefined : "not finished"));
  };
  hooks.done("start-apiextensions-informers", "start-apiextensions-controllers");
  until(() => customResources.isSettled, "crd-informer-synced");
  if (proxyTls !== undefined) until(() => proxyTls() !== undefined, "aggregator-reload-proxy-client-cert");
  until(() => aggregator.services.isFollowing, "start-kube-aggregator-informers", "apiservice-registration-controller", "apiservice-wait-for-first-sync");
  until(() => aggregator.registration.isSettled, "apiservice-status-local-available-controller", "kube-apiserver-autoregistration");
  until(
    () => aggregator.isLoaded,
    "apiservice-status-remote-available-controller",
    "apiservice-discovery-controller",
    "apiservice-openapi-controller",
    "apiservice-openapiv3-controller",
  );
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
