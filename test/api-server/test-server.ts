import { generateKeyPairSync } from "node:crypto";

import type { ApiServer } from "#apiserver/server.ts";
import type { OtherParts } from "#cmd/api-server.ts";
import { openApiServer } from "#cmd/api-server.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";
import { testPki, type TestPki } from "#test/pki/test-pki.ts";

export interface TestServer {
  readonly server: ApiServer;
  readonly url: string;
  readonly ca: string;
  /** The authority of all certificates; kubelets whose certificates are its own, are trusted. */
  readonly pki: TestPki;
  /** A client in `system:masters`. */
  readonly admin: { readonly cert: string; readonly key: string };
  /** A client of that name and those groups. */
  client(name: string, groups?: readonly string[]): Promise<{ cert: string; key: string }>;
  close(): Promise<void>;
}

/** The product's API server on a free port of 127.0.0.1, over a store in memory, without controllers. */
export async function startTestServer(other: OtherParts = {}): Promise<TestServer> {
  const pki = await testPki();
  const kubeletClient = await pki.client("kube-apiserver-kubelet-client", ["system:masters"]);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = await openApiServer(
    {
      store: createMemoryStore(),
      clock: systemClock,
      rng: systemRng,
      logger: silentLogger,
      tls: { ...pki.server, clientCa: pki.ca, requestHeader: { ca: pki.frontProxy.ca, allowedNames: ["front-proxy"] } },
      proxyTls: () => pki.frontProxy.client,
      kubeletTls: () => ({ ...kubeletClient, ca: pki.ca }),
      serviceAccountKey: privateKey,
      hostname: "test-host",
      clusterDomain: "cluster.local",
      serviceCidr: "10.43.0.0/16",
      nodePortRange: "30000-32767",
      advertiseAddress: "127.0.0.1",
      securePort: 6443,
    },
    other,
  );
  const port = await server.listen(0, "127.0.0.1");
  return {
    server,
    url: `https://127.0.0.1:${port}`,
    ca: pki.ca,
    pki,
    admin: await pki.client("admin", ["system:masters"]),
    client: pki.client,
    close: () => server.close(),
  };
}
