import { randomUUID, type KeyObject } from "node:crypto";

import { SERVICES } from "#api/builtin.ts";
import type { ResourceInfo } from "#api/resources.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { defaultIngressClass, defaultStorageClass } from "#apiserver/admission/plugins/default-class.ts";
import { defaultTolerationSeconds } from "#apiserver/admission/plugins/default-toleration-seconds.ts";
import { namespaceLifecycle } from "#apiserver/admission/plugins/namespace-lifecycle.ts";
import { priorityAdmission } from "#apiserver/admission/plugins/priority.ts";
import { runtimeClassAdmission } from "#apiserver/admission/plugins/runtime-class.ts";
import { serviceAccountAdmission } from "#apiserver/admission/plugins/service-account.ts";
import { storageObjectInUseProtection } from "#apiserver/admission/plugins/storage-object-in-use-protection.ts";
import { taintNodesByCondition } from "#apiserver/admission/plugins/taint-nodes-by-condition.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { ServiceAllocation } from "#apiserver/allocators/service-hooks.ts";
import { bootstrapCluster } from "#apiserver/bootstrap/bootstrap.ts";
import { discoveryHandler } from "#apiserver/discovery/handler.ts";
import { versionHandler } from "#apiserver/discovery/version.ts";
import type { PlainHandler } from "#apiserver/http/plain.ts";
import type { HttpTls } from "#apiserver/http/server.ts";
import { openApiHandler } from "#apiserver/openapi/handler.ts";
import { ApiServer } from "#apiserver/server.ts";
import { streamingHandlers } from "#apiserver/streaming/handlers.ts";
import { KubeletDialer, type KubeletTls } from "#apiserver/streaming/kubelet-dialer.ts";
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
  readonly kubeletTls: KubeletTls;
  readonly serviceAccountKey: KeyObject;
  readonly clusterDomain: string;
  readonly serviceCidr: string;
  readonly nodePortRange: string;
  readonly advertiseAddress: string;
  readonly securePort: number;
}

/** The API server with everything it serves; it has its cluster's own objects, but does not listen yet. */
export async function openApiServer(options: ControlPlaneOptions): Promise<ApiServer> {
  const { store, clock, rng, logger, tls } = options;
  const issuer = `https://kubernetes.default.svc.${options.clusterDomain}`;
  const server = await ApiServer.open({
    store,
    clock,
    rng,
    newUid: randomUUID,
    logger,
    tls,
    serviceAccounts: { key: options.serviceAccountKey, issuer, audiences: [issuer] },
    admission: (reader) => admissionPlugins(reader, options),
    hooks: (reader) => ({ "/services": serviceAllocation(reader, options) }),
    plain: ({ resources }) => plainHandlers(() => resources.infos, options),
    subresources: ({ reader }) => streamingHandlers({ reader, rng, kubelets: new KubeletDialer(reader, options.kubeletTls) }),
  });
  await bootstrap(server, options);
  return server;
}

function plainHandlers(kinds: () => readonly ResourceInfo[], { advertiseAddress, securePort }: ControlPlaneOptions): PlainHandler[] {
  return [
    discoveryHandler({ kinds, serverAddress: `${advertiseAddress}:${securePort}` }),
    openApiHandler({ kinds, release: API_RELEASE }),
    versionHandler(BUILD_INFO),
  ];
}

/** In upstream's order. */
function admissionPlugins(reader: ObjectReader, { clock, rng }: ControlPlaneOptions): AdmissionPlugin[] {
  return [
    namespaceLifecycle(reader),
    serviceAccountAdmission({ reader, clock, rng }),
    taintNodesByCondition,
    priorityAdmission(reader),
    defaultTolerationSeconds,
    defaultStorageClass(reader),
    storageObjectInUseProtection,
    runtimeClassAdmission(reader),
    defaultIngressClass(reader),
  ];
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

function bootstrap({ reader, pipeline }: ApiServer, { clock, advertiseAddress, securePort, serviceCidr, tls }: ControlPlaneOptions): Promise<void> {
  return bootstrapCluster(
    { reader, clock, perform: (call, { user, userAgent }) => pipeline.perform(call, user, { userAgent }) },
    { advertiseAddress, securePort, serviceCidr, kubernetesServiceIp: firstAddress(serviceCidr), clientCa: String(tls.clientCa) },
  );
}

/** The first address of a range is the API's own service. */
export function firstAddress(cidr: string): string {
  const octets = cidr.split("/")[0]!.split(".").map(Number);
  return [...octets.slice(0, 3), octets[3]! + 1].join(".");
}
