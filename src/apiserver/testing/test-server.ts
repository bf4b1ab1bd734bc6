import { generateKeyPairSync, randomUUID } from "node:crypto";

import { testPki } from "#apiserver/testing/test-pki.ts";
import type { ApiServerOptions } from "#apiserver/server.ts";
import { ApiServer } from "#apiserver/server.ts";
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

/** The whole API server on a free port of 127.0.0.1, over a store in memory, without controllers. */
export async function startTestServer(over: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const pki = await testPki();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = "https://kubernetes.default.svc.cluster.local";
  const server = await ApiServer.open({
    store: createMemoryStore(),
    clock: systemClock,
    rng: systemRng,
    newUid: randomUUID,
    logger: silentLogger,
    tls: { ...pki.server, clientCa: pki.ca },
    serviceAccounts: { key: privateKey, issuer, audiences: [issuer] },
    ...over,
  });
  const port = await server.listen(0, "127.0.0.1");
  return {
    server,
    url: `https://127.0.0.1:${port}`,
    ca: pki.ca,
    admin: await pki.client("kubernetes-admin", ["system:masters"]),
    client: pki.client,
    close: () => server.close(),
  };
}
