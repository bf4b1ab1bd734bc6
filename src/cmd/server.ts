import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";

import type { Resource } from "#api/resources.ts";
import type { ProxyTls } from "#apiserver/aggregation/remote-dialer.ts";
import type { HttpTls } from "#apiserver/http/server.ts";
import type { ApiServer } from "#apiserver/server.ts";
import type { KubeletTls } from "#apiserver/streaming/kubelet-dialer.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { Client } from "#client/client.ts";
import { ApiEventRecorder } from "#client/event-recorder.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import { OwnWritesTransport } from "#client/own-writes.ts";
import type { Transport } from "#client/transport.ts";
import type { SignCertificate } from "#controllers/certificates/controller.ts";
import { startControllers } from "#controllers/controllers.ts";
import { startScheduler, SCHEDULER_NAME } from "#scheduler/scheduler.ts";

import { type ControlPlaneOptions, openApiServer } from "./api-server.ts";
import { certificateSigner } from "./certificate-signer.ts";
import { keepCertificates, readTexts } from "./certificates.ts";
import { inProcessTransport } from "./in-process-transport.ts";
import { openDatastore } from "./datastore.ts";
import { holdUntilAborted, type Parts, type ProcessDeps } from "./process-deps.ts";
import type { ServerConfig } from "./server-config.ts";
import { encryptionHandler, openEncryption } from "./encryption.ts";

/** The whole control plane in this process, until it is told to stop. */
export async function runServer(config: ServerConfig, deps: ProcessDeps): Promise<void> {
  const failure = Promise.withResolvers<never>();
  const start = async (parts: Parts) => {
    const encryption = await openEncryption(await openDatastore(config, { ...deps, onLost: failure.reject }), config);
    const { store } = encryption;
    parts.defer(() => store.close());
    const certificates = readTexts(certificateFiles(config));
    let kubeletTls = kubeletTlsOf(certificates);
    let proxyTls = proxyTlsOf(certificates);
    const audit = config.audit === undefined ? undefined : await (await import("./audit.ts")).openAudit(config.audit, deps);
    if (audit !== undefined) parts.defer(async () => audit.close());
    const isWhole = !config.withoutControllers;
    const server = await openApiServer({
      ...controlPlaneOptions(config, deps, certificates),
      components: () => ["controller-manager", "scheduler"].map((name) => ({ name, fault: isWhole ? undefined : "left out" })),
      kubeletTls: () => kubeletTls,
      proxyTls: () => proxyTls,
      store,
      plain: [encryptionHandler(encryption)],
      auditor: audit?.auditor,
    });
    parts.defer(() => server.close());
    const use = (texts: Certificates) => {
      server.http.useTls(httpTlsOf(texts));
      kubeletTls = kubeletTlsOf(texts);
      proxyTls = proxyTlsOf(texts);
    };
    const keeper = keepCertificates(deps, { files: certificateFiles(config), use }, certificates);
    parts.defer(() => keeper.cancel());
    await server.listen(config.httpsPort, config.bindAddress);
    deps.logger.info("API server listens", { address: config.bindAddress, port: config.httpsPort });
    if (isWhole) {
      const signCertificate = certificateSigner(config.tls);
      const components = startComponents(server, { ...deps, rootCa: certificates.ca, clusterCidr: config.clusterCidr, signCertificate });
      parts.defer(() => components.stop());
    }
  };
  await holdUntilAborted(deps, start, failure.promise);
}

type Certificates = Readonly<Record<keyof ReturnType<typeof certificateFiles>, string>>;

/** The name of our front proxy's certificate. */
const FRONT_PROXY_NAMES = ["front-proxy"];

function certificateFiles({ tls }: ServerConfig) {
  const { ca, serving, servingKey, kubeletClient, kubeletClientKey, frontProxyCa, frontProxyClient, frontProxyClientKey } = tls;
  return { ca, serving, servingKey, kubeletClient, kubeletClientKey, frontProxyCa, frontProxyClient, frontProxyClientKey };
}

function httpTlsOf({ ca, serving, servingKey, frontProxyCa }: Certificates): HttpTls {
  return { key: servingKey, cert: serving, clientCa: ca, requestHeader: { ca: frontProxyCa, allowedNames: FRONT_PROXY_NAMES } };
}

function kubeletTlsOf({ ca, kubeletClient, kubeletClientKey }: Certificates): KubeletTls {
  return { cert: kubeletClient, key: kubeletClientKey, ca };
}

function proxyTlsOf({ frontProxyClient, frontProxyClientKey }: Certificates): ProxyTls {
  return { cert: frontProxyClient, key: frontProxyClientKey };
}

type FixedOptions = Omit<ControlPlaneOptions, "store" | "plain" | "kubeletTls" | "proxyTls">;

function controlPlaneOptions(config: ServerConfig, { clock, rng, logger }: ProcessDeps, certificates: Certificates): FixedOptions {
  return {
    clock,
    rng,
    logger,
    tls: httpTlsOf(certificates),
    serviceAccountKey: createPrivateKey(readFileSync(config.tls.serviceAccountKey)),
    hostname: config.nodeName,
    clusterDomain: config.clusterDomain,
    serviceCidr: config.serviceCidr,
    nodePortRange: `${config.nodePortRange.from}-${config.nodePortRange.to}`,
    advertiseAddress: config.advertiseAddress,
    securePort: config.httpsPort,
    legacyApis: config.legacyApis,
    runtimeConfig: config.runtimeConfig,
  };
}

export interface ComponentDeps extends Pick<ProcessDeps, "clock" | "rng" | "logger"> {
  readonly rootCa: string;
  readonly clusterCidr: string;
  readonly signCertificate?: SignCertificate | undefined;
}

/**
 * Controllers and scheduler beside the API server, on its own watch cache.
 *
 * @param transport how they reach the API; the simulation puts faults in between
 */
export function startComponents(
  server: ApiServer,
  deps: ComponentDeps,
  transport: Transport = inProcessTransport(server.pipeline, LOOPBACK_USER, "skiff", server.aggregator),
): { stop(): void } {
  const { clock, rng, logger } = deps;
  const abort = new AbortController();
  const informers = new SharedInformerFactory({ client: new Client(transport), clock, rng, logger });
  const client = new Client(new OwnWritesTransport({ transport, informers, clock, rng, logger, signal: abort.signal }));
  const recorderFor = (component: string) => new ApiEventRecorder({ client: client.as(component), clock, logger, component });
  const controllers = startControllers({
    client,
    informers,
    clock,
    rng,
    logger,
    recorderFor,
    resources: () => servedResources(server),
    remoteContents: () => server.aggregator.contents,
    rootCa: deps.rootCa,
    clusterCidr: deps.clusterCidr,
    signToken: server.signToken,
    signCertificate: deps.signCertificate,
  });
  server.resources.onChange = () => controllers.resourcesChanged();
  const scheduler = startScheduler({ client: client.as("kube-scheduler"), informers, recorder: recorderFor(SCHEDULER_NAME), clock, rng, logger });
  return {
    stop() {
      server.resources.onChange = undefined;
      abort.abort();
      scheduler.stop();
      controllers.stop();
      informers.stop();
    },
  };
}

/** What can be listed, watched and deleted: what a namespace may hold and the garbage collector follows. Old versions show the same again. */
function servedResources({ resources }: ApiServer): Resource[] {
  return resources.infos.filter(({ verbs, legacy }) => legacy !== true && verbs.includes("list") && verbs.includes("delete")) as unknown as Resource[];
}
