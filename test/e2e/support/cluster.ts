import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { busyboxImage, nginxImage } from "./images.ts";
import { kubectlPath } from "./kubectl.ts";
import { abandonedFolders, ownFolder } from "./own-folder.ts";
import { freePort } from "./ports.ts";
import { type Registry, startRegistry } from "./registry.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const PREFIX = "skiff-e2e-cluster-";
const dataDirIn = (folder: string) => join(folder, "cluster");

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestCluster {
  readonly dataDir: string;
  readonly kubeconfig: string;
  /** Path of an unmodified kubectl, for tests that start it themselves; set KUBECONFIG. */
  readonly kubectlPath: string;
  readonly registry: Registry;
  readonly httpsPort: number;
  /** The address of the cluster's DNS. */
  readonly clusterDns: string;
  /** Never throws; look at `code`. */
  kubectl(...words: string[]): Promise<Output>;
  /** What kubectl printed. @throws when it fails */
  kubectlText(...words: string[]): Promise<string>;
  /** A verb of `./skiff` for this cluster. */
  skiff(...words: string[]): Promise<Output>;
  /** Stops the cluster and removes all that it made; its logs stay below dist/. */
  purge(): Promise<void>;
  /** Removes the cluster and the registry. */
  destroy(): Promise<void>;
}

/**
 * Sets up a cluster by `./skiff up`, with a registry that has nginx:1.7.9, nginx:1.9.1 and busybox:1.36 and stands for
 * docker.io. Its addresses differ from the defaults, so that it does not meet a cluster that runs here already.
 *
 * @param flags more settings
 */
export async function startTestCluster(flags: readonly string[] = []): Promise<TestCluster> {
  clearLeftovers();
  const folder = ownFolder(PREFIX);
  const dataDir = dataDirIn(folder);
  const registry = await startRegistry(join(folder, "registry"));
  await pushImages(registry);
  const kubeconfig = join(folder, "kubeconfig");
  const httpsPort = await freePort();
  const settings = ["--data-dir", dataDir, "--https-listen-port", String(httpsPort), "--kubelet-port", String(await freePort())];
  const addresses = [
    "--cluster-cidr",
    "10.142.0.0/16",
    "--service-cidr",
    "10.143.0.0/16",
    "--service-node-port-range",
    "24000-24099",
    "--private-registry",
    registry.registriesFile,
    ...flags,
  ];
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const skiff = (...words: string[]) => run(join(root, "skiff"), words, env);
  const kubectl = (...words: string[]) => run(kubectlPath(), words, env);
  const began = await skiff("up", ...settings, ...addresses);
  if (began.code !== 0) {
    await registry.stop(); // it would keep this process
    throw new Error(`skiff up failed:\n${began.stderr}`);
  }
  const purge = async () => {
    keepLogs(dataDir);
    expectSuccess(await skiff("down", "--purge", "--quiet", ...settings), "skiff down --purge");
  };
  return {
    dataDir,
    kubeconfig,
    kubectlPath: kubectlPath(),
    registry,
    httpsPort,
    clusterDns: "10.143.0.10",
    kubectl,
    kubectlText: async (...words) => expectSuccess(await kubectl(...words), `kubectl ${words.join(" ")}`),
    skiff: (verb = "status", ...words) => skiff(verb, ...settings, ...(verb === "up" ? addresses : []), ...words),
    purge,
    destroy: async () => {
      await registry.stop();
      if (existsSync(dataDir)) await purge();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The logs of the last run stay below dist/, for whoever looks into a failure. */
function keepLogs(dataDir: string): void {
  const kept = join(root, "dist/e2e-logs");
  rmSync(kept, { recursive: true, force: true });
  if (existsSync(join(dataDir, "logs"))) cpSync(join(dataDir, "logs"), kept, { recursive: true });
}

async function pushImages(registry: Registry): Promise<void> {
  for (const release of ["1.7.9", "1.9.1"]) await registry.push("library/nginx", release, nginxImage(release));
  await registry.push("library/busybox", "1.36", busyboxImage());
}

/** What killed runs left, of whatever checkout: all have the same addresses. One that goes on is told of by `up`. */
function clearLeftovers(): void {
  for (const folder of abandonedFolders(PREFIX)) {
    execFileSync(join(root, "skiff"), ["down", "--purge", "--quiet", "--data-dir", dataDirIn(folder)], { stdio: "ignore" });
    rmSync(folder, { recursive: true, force: true });
  }
}

function expectSuccess({ code, stdout, stderr }: Output, what: string): string {
  if (code !== 0) throw new Error(`${what}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

function run(file: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Output> {
  return new Promise((resolve) => {
    execFile(file, words, { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}
