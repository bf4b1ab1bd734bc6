import { generateKeyPairSync } from "node:crypto";

import type { ApiServer } from "#apiserver/server.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import type { Transport } from "#client/transport.ts";
import { openApiServer } from "#cmd/api-server.ts";
import { inProcessTransport } from "#cmd/in-process-transport.ts";
import { startComponents } from "#cmd/server.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";
import type { SimClock } from "#lib/sim-clock.ts";
import { testPki } from "#test/pki/test-pki.ts";

import type { SimDisk } from "./sim-disk.ts";
import { SimProcess } from "./sim-process.ts";

const CLUSTER_CIDR = "10.42.0.0/16";
const pki = await testPki();
const serviceAccountKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

export interface ServerParts {
  readonly disk: SimDisk;
  readonly rng: Rng;
  readonly logger: Logger;
}

/** The API server as `skiff server` composes it, on a simulated disk and clock; it does not listen. */
export function openSimServer(process: SimProcess, { disk, rng, logger }: ServerParts): Promise<ApiServer> {
  const options = {
    store: disk.open(process),
    clock: process.clock,
    rng,
    logger,
    tls: { key: pki.server.key, cert: pki.server.cert, clientCa: pki.ca },
    kubeletTls: () => ({ ...pki.server, ca: pki.ca }),
    serviceAccountKey,
    clusterDomain: "cluster.local",
    serviceCidr: "10.43.0.0/24",
    nodePortRange: "30000-30063",
    advertiseAddress: "127.0.0.1",
    securePort: 6443,
  };
  return openApiServer(options, { newUid: () => seededUuid(rng) });
}

function seededUuid(rng: Rng): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(rng() * 16).toString(16)).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** One life of a server: from its start to its crash. */
export interface Generation {
  readonly process: SimProcess;
  readonly api: ApiServer;
}

export interface SimServerOptions extends ServerParts {
  readonly clock: SimClock;
  readonly note: (text: string) => void;
  /** What stands between controllers and scheduler and the API; `undefined`: they are in processes of their own. */
  readonly components?: (direct: Transport, process: SimProcess) => Transport;
}

/** The server's machine: it starts the server again after each crash. */
export class SimServer {
  readonly #options: SimServerOptions;
  #process: SimProcess | undefined;
  #current: Generation | undefined;
  /** When the present outage began. */
  #outageSinceMs: number | undefined;
  #outagesMs = 0;
  /** How far the machine's wall clock is off. */
  readonly skew = { ms: 0 };

  constructor(options: SimServerOptions) {
    this.#options = options;
  }

  /** The generation that answers now. */
  get current(): Generation | undefined {
    return this.#current?.process.isAlive ? this.#current : undefined;
  }

  /** How long nobody has answered, all outages together. */
  get outagesMs(): number {
    return this.#outagesMs + (this.#outageSinceMs === undefined ? 0 : this.#options.clock.now() - this.#outageSinceMs);
  }

  start(): void {
    const process = new SimProcess(this.#options.clock, this.skew);
    this.#process = process;
    process.onDeath(() => this.#died());
    void this.#open(process);
  }

  crash(): void {
    this.#process?.kill();
  }

  /** How long until the next start; set by whoever wants a longer outage. */
  downMs = 1_500;

  async #open(process: SimProcess): Promise<void> {
    const { components, rng, logger } = this.#options;
    const api = await process.living(openSimServer(process, this.#options));
    this.#current = { process, api };
    this.#outagesMs = this.outagesMs;
    this.#outageSinceMs = undefined;
    this.#options.note("server answers");
    if (components === undefined) return;
    const transport = components(inProcessTransport(api.pipeline, LOOPBACK_USER, "skiff"), process);
    startComponents(api, { clock: process.clock, rng, logger, rootCa: pki.ca, clusterCidr: CLUSTER_CIDR }, transport);
  }

  #died(): void {
    const { clock, note } = this.#options;
    note("server dies");
    this.#current = undefined;
    this.#outageSinceMs ??= clock.now();
    clock.after(this.downMs, () => this.start());
  }
}

/** Controllers and scheduler in a process of their own. */
export function startRemoteComponents(
  process: SimProcess,
  transport: Transport,
  server: SimServer,
  { rng, logger }: Pick<ServerParts, "rng" | "logger">,
): void {
  const { api } = server.current!;
  startComponents(api, { clock: process.clock, rng, logger, rootCa: pki.ca, clusterCidr: CLUSTER_CIDR }, transport);
}
