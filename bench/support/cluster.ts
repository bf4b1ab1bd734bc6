import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { apiCaller, type ApiCaller } from "#cli/api-call.ts";
import { type Paths, pathsOf } from "#cli/paths.ts";
import { clusterProcesses } from "#cli/processes.ts";
import type { Settings } from "#cli/settings.ts";
import { Client } from "#client/client.ts";
import { HttpTransport } from "#client/http-transport.ts";
import { fullImageName, parseImageName } from "#lib/image-name.ts";
import { imageArchive } from "#lib/oci-image.ts";
import { systemClock } from "#lib/system-clock.ts";
import { busyboxImage } from "#test/e2e/support/images.ts";
import { abandonedFolders, ownFolder } from "#test/e2e/support/own-folder.ts";
import { freePort } from "#test/e2e/support/ports.ts";
import { atEnd } from "./benchmark.ts";
import { command } from "./command.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
/** The image that `loadImage()` gives to the node. */
export const IMAGE = "bench.local/busybox:1";
const PREFIX = "skiff-bench-cluster-";

/** A cluster of our own, by `./skiff`, that meets no other on this machine and goes with the program. */
export class BenchCluster {
  /** Goes with the program; the data dir lies in it. */
  readonly folder: string;
  readonly dataDir: string;
  readonly paths: Paths;
  readonly httpsPort: number;
  readonly serviceCidr: string;
  /** What all pods' addresses begin with. */
  readonly podNetwork: string;
  readonly clusterDns: string;
  readonly nodeName = hostname().toLowerCase();
  readonly #settings: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string, httpsPort: number, kubeletPort: number) {
    this.folder = folder;
    this.dataDir = dataDirIn(folder);
    this.paths = pathsOf(this.dataDir);
    this.httpsPort = httpsPort;
    // Two programs may run at once.
    const slot = Number.parseInt(this.paths.instance.slice(3), 16) % 25;
    const network = 150 + 2 * slot;
    this.podNetwork = `10.${network}.`;
    this.serviceCidr = `10.${network + 1}.0.0/16`;
    this.clusterDns = `10.${network + 1}.0.10`;
    const ports = ["--https-listen-port", String(httpsPort), "--kubelet-port", String(kubeletPort)];
    const nodePorts = ["--service-node-port-range", `${21_000 + 100 * slot}-${21_099 + 100 * slot}`];
    this.#settings = ["--data-dir", this.dataDir, ...ports, ...nodePorts, "--cluster-cidr", `10.${network}.0.0/16`, "--service-cidr", this.serviceCidr];
    this.#env = envIn(folder);
  }

  /** Prepares addresses and the folder; `up()` starts it. What killed runs have left is purged: it would be in the way, and in the figures. */
  static async prepare(): Promise<BenchCluster> {
    for (const left of abandonedFolders(PREFIX)) {
      await command(join(root, "skiff"), ["down", "--purge", "--quiet", "--data-dir", dataDirIn(left)], { env: envIn(left) });
      rmSync(left, { recursive: true, force: true });
    }
    const folder = ownFolder(PREFIX);
    const cluster = new BenchCluster(folder, await freePort(), await freePort());
    atEnd(async () => {
      await cluster.purge();
      rmSync(folder, { recursive: true, force: true });
    });
    return cluster;
  }

  async up(): Promise<void> {
    await this.skiff("up", "--quiet");
  }

  async down(): Promise<void> {
    await this.skiff("down", "--quiet");
  }

  async purge(): Promise<void> {
    if (existsSync(this.dataDir) || clusterProcesses(this.dataDir).length > 0) await this.skiff("down", "--purge", "--quiet");
  }

  /** A verb of `./skiff` for this cluster. */
  skiff(verb: string, ...words: string[]): Promise<string> {
    return command(join(root, "skiff"), [verb, ...this.#settings, ...words], { env: this.#env });
  }

  /** Gives `IMAGE` to the node: a shell and small tools. */
  async loadImage(): Promise<void> {
    const archive = imageArchive(fullImageName(parseImageName(IMAGE)!), busyboxImage());
    const words = ["image", "load", "--data-dir", this.dataDir, "-"];
    await command(join(root, "skiff"), words, { env: this.#env, input: archive });
  }

  /** One program of the cluster, in this process's own care. */
  start(verb: "server", ...words: string[]): ChildProcess {
    return spawn(join(root, "skiff"), [verb, ...this.#settings, ...words], {
      env: this.#env,
      cwd: "/",
      detached: true,
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  /** Whether clients can be made. */
  hasCertificates(): boolean {
    const { ca, admin, adminKey } = this.paths.serverTls;
    return [ca, admin, adminKey].every(existsSync);
  }

  client(): Client {
    return new Client(this.transport(), "bench");
  }

  /** The administrator's; the certificates must be there. */
  transport(): HttpTransport {
    const { ca, admin, adminKey } = this.paths.serverTls;
    const credentials = { ca: readFileSync(ca, "utf8"), cert: readFileSync(admin, "utf8"), key: readFileSync(adminKey, "utf8") };
    const transport = new HttpTransport({ server: `https://127.0.0.1:${this.httpsPort}`, ...credentials, clock: systemClock });
    atEnd(() => transport.close());
    return transport;
  }

  caller(): ApiCaller {
    return apiCaller({ dataDir: this.dataDir, httpsPort: this.httpsPort } as Settings);
  }
}

function dataDirIn(folder: string): string {
  return join(folder, "cluster");
}

/** Settings of the user's own clusters do not count. */
function envIn(folder: string): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("SKIFF_"));
  return { ...Object.fromEntries(ours), KUBECONFIG: join(folder, "kubeconfig") };
}

/** Changes when `./skiff` has built the program anew, which no measurement may contain. */
export function bundleStamp(): number {
  const stamp = join(root, "dist/stamp");
  return existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
}
