import { generateKeyPairSync } from "node:crypto";

import { freePort } from "#test/e2e/support/ports.ts";
import { testPki } from "#test/pki/test-pki.ts";
import { issueRequested } from "#cli/pki/issue-requested.ts";
import { openApiServer } from "#cmd/api-server.ts";
import { startComponents } from "#cmd/server.ts";
import { silentLogger, type Logger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";

export interface ControlPlane {
  readonly url: string;
  readonly ca: string;
  readonly admin: { readonly cert: string; readonly key: string };
  close(): Promise<void>;
}

/** API server, controllers and scheduler in this process, on a free port and a store in memory. */
export async function startControlPlane(logger: Logger = silentLogger, { legacyApis = false } = {}): Promise<ControlPlane> {
  const pki = await testPki();
  const port = await freePort();
  const server = await openApiServer({
    store: createMemoryStore(),
    clock: systemClock,
    rng: systemRng,
    logger,
    tls: { key: pki.server.key, cert: pki.server.cert, clientCa: pki.ca },
    kubeletTls: () => ({ ...pki.server, ca: pki.ca }),
    serviceAccountKey: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
    clusterDomain: "cluster.local",
    serviceCidr: "10.43.0.0/16",
    nodePortRange: "30000-32767",
    advertiseAddress: "127.0.0.1",
    securePort: port,
    legacyApis,
  });
  const components = startComponents(server, {
    ...{ clock: systemClock, rng: systemRng, logger, rootCa: pki.ca, clusterCidr: "10.42.0.0/16" },
    signCertificate: (certified) => issueRequested(certified, pki.authority),
  });
  await server.listen(port, "127.0.0.1");
  return {
    url: `https://127.0.0.1:${port}`,
    ca: pki.ca,
    admin: await pki.client("admin", ["system:masters"]),
    async close() {
      components.stop();
      await server.close();
    },
  };
}
