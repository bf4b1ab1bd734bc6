import { generateKeyPairSync, randomUUID } from "node:crypto";

import { testPki } from "#test/pki/test-pki.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { admissionPlugins } from "#apiserver/admission/plugins.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { ServiceAllocation } from "#apiserver/allocators/service-hooks.ts";
import { bootstrapCluster } from "#apiserver/bootstrap/bootstrap.ts";
import { discoveryHandler } from "#apiserver/discovery/handler.ts";
import { versionHandler } from "#apiserver/discovery/version.ts";
import { openApiHandler } from "#apiserver/openapi/handler.ts";
import type { ApiServerOptions } from "#apiserver/server.ts";
import { ApiServer } from "#apiserver/server.ts";
import type { Call, RequestContext } from "#apiserver/registry/types.ts";
import { streamingHandlers } from "#apiserver/streaming/handlers.ts";
import { KubeletDialer } from "#apiserver/streaming/kubelet-dialer.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";

export interface TestServer {
  readonly server: ApiServer;
  readonly url: string;
  readonly ca: string;
  /** A client in `system:masters`. */
  readonly admin: { readonly cert: string; readonly key: string };
  /** A client of that name and those groups. */
  client(name: string, groups?: readonly string[]): Promise<{ cert: string; key: string }>;
  close(): Promise<void>;
}

const ISSUER = "https://kubernetes.default.svc.cluster.local";
const SERVICE_CIDR = "10.43.0.0/16";

export interface TestServerOptions extends Partial<ApiServerOptions> {
  /** Leaves out admission and what every cluster has by itself. */
  readonly bare?: boolean;
}

/** The whole API server on a free port of 127.0.0.1, over a store in memory, without controllers. */
export async function startTestServer({ bare = false, ...over }: TestServerOptions = {}): Promise<TestServer> {
  const pki = await testPki();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const services = new ServiceAllocation({ serviceCidr: SERVICE_CIDR, nodePortRange: "30000-32767" }, systemRng);
  const server = await ApiServer.open({
    store: createMemoryStore(),
    clock: systemClock,
    rng: systemRng,
    newUid: randomUUID,
    logger: silentLogger,
    tls: { ...pki.server, clientCa: pki.ca },
    serviceAccounts: { key: privateKey, issuer: ISSUER, audiences: [ISSUER] },
    hooks: () => ({ "/services": services }),
    plain: ({ resources }) => [
      discoveryHandler({ kinds: () => resources.infos, serverAddress: "127.0.0.1:6443" }),
      versionHandler(BUILD),
      openApiHandler({ kinds: () => resources.infos, release: BUILD.gitVersion }),
    ],
    subresources: ({ reader }) => streamingHandlers({ reader, kubelets: new KubeletDialer(reader, { ...pki.server, ca: pki.ca }), rng: systemRng }),
    ...(!bare && { admission: plugins }),
    ...over,
  });
  const port = await server.listen(0, "127.0.0.1");
  if (!bare) await bootstrap(server, port, pki.ca);
  return {
    server,
    url: `https://127.0.0.1:${port}`,
    ca: pki.ca,
    admin: await pki.client("kubernetes-admin", ["system:masters"]),
    client: pki.client,
    close: () => server.close(),
  };
}

const BUILD = { gitVersion: "v1.35.6", gitCommit: "0", buildDate: "2026-01-01T00:00:00Z", runtime: "node", platform: "linux/amd64" };

function plugins(reader: ObjectReader): AdmissionPlugin[] {
  return admissionPlugins({ reader, clock: systemClock, rng: systemRng });
}

function bootstrap({ reader, pipeline }: ApiServer, port: number, ca: string): Promise<void> {
  const deps = {
    reader,
    clock: systemClock,
    perform: (call: Call, { user, userAgent }: RequestContext) => pipeline.perform(call, user, { userAgent }),
  };
  const facts = { advertiseAddress: "127.0.0.1", securePort: port, serviceCidr: SERVICE_CIDR, kubernetesServiceIp: "10.43.0.1", clientCa: ca };
  return bootstrapCluster(deps, facts);
}
