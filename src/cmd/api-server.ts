import { randomUUID, type KeyObject } from "node:crypto";

import { CONFIG_MAPS, NAMESPACES, PRIORITY_CLASSES, SERVICES } from "#api/builtin.ts";
import { isAvailable } from "#api/apiregistration-v1/conditions.ts";
import type { Resource, ResourceInfo } from "#api/resources.ts";
import { builtin, LEGACY_KINDS } from "#api/resources.ts";
import { kindsWith } from "#api/served-kinds.ts";
import { admissionPlugins } from "#apiserver/admission/plugins.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Aggregator } from "#apiserver/aggregation/aggregator.ts";
import type { ProxyTls } from "#apiserver/aggregation/remote-dialer.ts";
import type { Auditor } from "#apiserver/audit/auditor.ts";
import { openIdHandler } from "#apiserver/authn/openid.ts";
import { ServiceAllocation } from "#apiserver/allocators/service-hooks.ts";
import { bootstrapCluster } from "#apiserver/bootstrap/bootstrap.ts";
import { discoveryHandler } from "#apiserver/discovery/handler.ts";
import { versionHandler } from "#apiserver/discovery/version.ts";
import type { PlainHandler } from "#apiserver/http/plain.ts";
import type { StartHookName } from "#apiserver/http/start-hooks.ts";
import type { HttpTls } from "#apiserver/http/server.ts";
import { openApiHandler } from "#apiserver/openapi/handler.ts";
import type { ApiServerOptions } from "#apiserver/server.ts";
import { ApiServer } from "#apiserver/server.ts";
import { streamingHandlers } from "#apiserver/streaming/handlers.ts";
import { type ComponentHealth, componentStatusHandler } from "#apiserver/registry/special/component-status.ts";
import { KubeletDialer, type KubeletTls } from "#apiserver/streaming/kubelet-dialer.ts";
import { addressAt } from "#lib/cidr.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";
import type { Store } from "#storage/store.ts";

/** The API level that we speak. */
const API_RELEASE = "v1.35.6";

/** What an API server with all its parts is made from. */
export interface ControlPlaneOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly tls: HttpTls;
  /** Who we are towards kubelets, and who signed theirs. */
  readonly kubeletTls: () => KubeletTls;
  /** Who we are towards extension API servers. */
  readonly proxyTls?: (() => ProxyTls) | undefined;
  readonly serviceAccountKey: KeyObject;
  /** Of this machine; without it, the server leaves no Lease. */
  readonly hostname?: string | undefined;
  readonly clusterDomain: string;
  readonly serviceCidr: string;
  readonly nodePortRange: string;
  readonly advertiseAddress: string;
  readonly securePort: number;
  readonly auditor?: Auditor | undefined;
  /** Whether versions that upstream has dropped are served, too. */
  readonly legacyApis?: boolean;
  /** Versions that upstream leaves off, and that are served all the same. */
  readonly runtimeConfig?: readonly string[];
  /** The parts of the control plane besides the API server and its store, for `kubectl get componentstatuses`. */
  readonly components?: () => readonly ComponentHealth[];
  /** What is served besides the API. */
  readonly plain?: readonly PlainHandler[];
}

/** What tests put in the place of the product's own parts. */
export interface OtherParts extends Partial<ApiServerOptions> {
  /** Leaves out admission and what every cluster has by itself. */
  readonly bare?: boolean;
}

/** The API server with everything it serves; it has its cluster's own objects, but does not listen yet. */
export async function openApiServer(options: ControlPlaneOptions, { bare = false, ...over }: OtherParts = {}): Promise<ApiServer> {
  const { store, clock, rng, logger, tls } = options;
  const issuer = `https://kubernetes.default.svc.${options.clusterDomain}`;
  const server = await ApiServer.open({
    store,
    clock,
    rng,
    newUid: randomUUID,
    logger,
    tls,
    auditor: options.auditor,
    kinds: kindsOf(options),
    proxyTls: options.proxyTls,
    hostname: options.hostname,
    serviceAccounts: { key: options.serviceAccountKey, issuer, audiences: [issuer] },
    hooks: (reader) => ({ "/services": serviceAllocation(reader, options) }),
    plain: ({ resources, tokenIssuer, aggregator }) => [
      ...plainHandlers(() => resources.infos, aggregator, options),
      ...(options.plain ?? []),
      openIdHandler({ ...tokenIssuer, serverAddress: `${options.advertiseAddress}:${options.securePort}` }),
    ],
    subresources: ({ reader }) => [
      ...streamingHandlers({ reader, rng, kubelets: new KubeletDialer(reader, options.kubeletTls) }),
      componentStatusHandler(() => [...(options.components?.() ?? []), { name: "etcd-0", fault: store.fault?.() }]),
    ],
    ...(!bare && { admission: (parts) => admissionPlugins({ ...parts, clock, rng, logger, newUid: randomUUID }) }),
    ...over,
  });
  server.hooks.done("start-service-ip-repair-controllers"); // addresses and ports in use were read on the way
  if (!bare) {
    addBootstrapHooks(server);
    await bootstrap(server, options);
  }
  return server;
}

function kindsOf({ legacyApis = false, runtimeConfig = [] }: ControlPlaneOptions): readonly ResourceInfo[] {
  return [...kindsWith(runtimeConfig), ...(legacyApis ? LEGACY_KINDS : [])];
}

function plainHandlers(kinds: () => readonly ResourceInfo[], remotes: Aggregator, { advertiseAddress, securePort }: ControlPlaneOptions): PlainHandler[] {
  return [
    discoveryHandler({ kinds, serverAddress: `${advertiseAddress}:${securePort}`, remotes }),
    openApiHandler({ kinds, release: API_RELEASE, remotes }),
    versionHandler(BUILD_INFO),
  ];
}

/** What a server has made, or found, before it is ready. */
function addBootstrapHooks({ hooks, reader, resources, aggregator }: ApiServer): void {
  const own = new Set(
    resources.infos.flatMap(({ group, version, custom }) => (custom !== undefined || group === "apiregistration.k8s.io" ? [] : [`${version}.${group}`])),
  );
  const missing = () => {
    const names = [...own].filter((name) => !isAvailable(aggregator.services.get(name))).sort();
    return names.length === 0 ? undefined : `missing APIService: [${names.join(" ")}]`;
  };
  hooks.add("autoregister-completion", missing);
  const made = (hook: StartHookName, resource: Resource, namespace: string, name: string) =>
    hooks.add(hook, () => (reader.lookup(resource, namespace, name) === undefined ? "not finished" : undefined));
  const flowSchemas = builtin("flowcontrol.apiserver.k8s.io", "v1", "flowschemas");
  made("start-system-namespaces-controller", NAMESPACES, "", "kube-system");
  made("start-cluster-authentication-info-controller", CONFIG_MAPS, "kube-system", "extension-apiserver-authentication");
  made("start-legacy-token-tracking-controller", CONFIG_MAPS, "kube-system", "kube-apiserver-legacy-service-account-token-tracking");
  made("rbac/bootstrap-roles", builtin("rbac.authorization.k8s.io", "v1", "clusterroles"), "", "cluster-admin");
  made("scheduling/bootstrap-system-priority-classes", PRIORITY_CLASSES, "", "system-node-critical");
  made("priority-and-fairness-config-producer", flowSchemas, "", "catch-all");
  made("bootstrap-controller", SERVICES, "default", "kubernetes");
  made("start-kubernetes-service-cidr-controller", builtin("networking.k8s.io", "v1", "servicecidrs"), "", "kubernetes");
}

function serviceAllocation(reader: ObjectReader, { serviceCidr, nodePortRange, rng }: ControlPlaneOptions): ServiceAllocation {
  const allocation = new ServiceAllocation({ serviceCidr, nodePortRange }, rng);
  allocation.seed(reader.list(SERVICES, ""));
  return allocation;
}

const BUILD_INFO = {
  gitVersion: `${API_RELEASE}+skiff`,
  gitCommit: "",
  buildDate: "1970-01-01T00:00:00Z",
  runtime: process.version,
  platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
};

function bootstrap({ reader, pipeline, resources }: ApiServer, { clock, advertiseAddress, securePort, serviceCidr, tls }: ControlPlaneOptions): Promise<void> {
  return bootstrapCluster(
    { reader, clock, perform: (call, { user, userAgent }) => pipeline.perform(call, user, { userAgent }) },
    {
      advertiseAddress,
      securePort,
      serviceCidr,
      kubernetesServiceIp: addressAt(serviceCidr, 1),
      clientCa: tls.clientCa,
      requestHeader: tls.requestHeader,
      versions: resources.infos.filter(({ custom }) => custom === undefined),
    },
  );
}
