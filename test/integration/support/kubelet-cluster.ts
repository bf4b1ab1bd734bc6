import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CONFIG_MAPS, PODS, SERVICE_ACCOUNTS } from "#api/builtin.ts";
import type { Event, Pod } from "#api/core-v1/types.ts";
import { EVENTS } from "#api/builtin.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { Client } from "#client/client.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import { inProcessTransport } from "#cmd/in-process-transport.ts";
import { cleanUp } from "#kubelet/cleanup.ts";
import type { KubeletConfig } from "#kubelet/config.ts";
import { type Kubelet, startKubelet } from "#kubelet/kubelet.ts";
import { importArchive } from "#kubelet/runtime/images.ts";
import { type ArchiveFile, ociArchive } from "#kubelet/runtime/oci-archive.ts";
import { silentLogger, type Logger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";

export const NODE = "node-1";
export const IMAGE = "test.local/busybox:1";
const APPLETS = [
  "sh",
  "sleep",
  "cat",
  "ls",
  "wget",
  "httpd",
  "id",
  "env",
  "nc",
  "echo",
  "true",
  "false",
  "stat",
  "hostname",
  "touch",
  "test",
  "grep",
  "mount",
  "date",
];

/** Why containers cannot be run here; `undefined` when they can. */
export function whyNoContainers(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync("containerd", ["--version"]).status !== 0) return "containerd is not installed";
  if (!existsSync("/usr/lib/cni/bridge")) return "CNI plugins are not installed";
  return existsSync("/bin/busybox") ? undefined : "busybox is not installed";
}

/** An API server in memory, and a real kubelet on a containerd of its own. */
export class KubeletCluster {
  readonly server: TestServer;
  readonly client: Client;
  readonly config: KubeletConfig;
  kubelet!: Kubelet;
  readonly #dir: string;
  readonly #log: Logger;

  private constructor(server: TestServer, dir: string, log: Logger) {
    this.server = server;
    this.client = new Client(this.#transport(server));
    this.config = configIn(dir);
    this.#dir = dir;
    this.#log = log;
  }

  static async start(log: Logger = silentLogger): Promise<KubeletCluster> {
    const cluster = new KubeletCluster(await startTestServer(), mkdtempSync(join(tmpdir(), "skiff-kubelet-")), log);
    const { client } = cluster;
    await client.create(SERVICE_ACCOUNTS, { metadata: { namespace: "default", name: "default" } });
    await client.create(CONFIG_MAPS, { metadata: { namespace: "default", name: "kube-root-ca.crt" }, data: { "ca.crt": cluster.server.ca } });
    await cluster.startKubelet();
    await importArchive(cluster.config.containerd.socket, busyboxArchive());
    return cluster;
  }

  async startKubelet(): Promise<void> {
    const { client } = this;
    const informers = new SharedInformerFactory({ client, clock: systemClock, rng: systemRng, logger: this.#log });
    const deps = { client, informers, clock: systemClock, rng: systemRng, log: this.#log, env: process.env, version: "v1.35.0", drained: async () => {} };
    const kubelet = await startKubelet(this.config, deps);
    this.kubelet = {
      ...bound(kubelet),
      stop: async () => {
        await kubelet.stop();
        informers.stop();
      },
    };
  }

  async close(): Promise<void> {
    await this.kubelet.stop();
    await cleanUp(this.config, { clock: systemClock, log: this.#log });
    await this.server.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Creates a pod on the node; `spec` lacks what every test's pod has. */
  createPod(name: string, spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): Promise<Pod> {
    return this.client.create(PODS, {
      metadata: { namespace: "default", name, ...metadata },
      spec: { nodeName: NODE, terminationGracePeriodSeconds: 1, ...spec },
    } as never);
  }

  /** Resolves with the pod as soon as it is so; later changes come by watch. */
  async until(name: string, what: string, holds: (pod: Pod) => boolean, timeoutMs = 20_000): Promise<Pod> {
    const first = await this.client.get(PODS, { namespace: "default", name });
    if (holds(first)) return first;
    const call = { resource: PODS, namespace: "default", fieldSelector: `metadata.name=${name}`, resourceVersion: first.metadata.resourceVersion as string };
    return new Promise((resolve, reject) => {
      let last = first;
      const timer = setTimeout(() => end(() => reject(new Error(`pod ${name} is not ${what}: ${JSON.stringify(last.status)}`))), timeoutMs);
      const onEvent = ({ object }: { object: unknown }) => {
        last = object as Pod;
        if (holds(last)) end(() => resolve(last));
      };
      const watch = this.client.watch(call, { onEvent, onEnd: () => undefined });
      const end = (how: () => void) => {
        clearTimeout(timer);
        watch.stop();
        how();
      };
    });
  }

  /** Resolves once the pod's object is gone. */
  async untilGone(name: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while ((await this.client.list(PODS, { namespace: "default" })).items.some((pod) => pod.metadata.name === name)) {
      if (Date.now() > deadline) throw new Error(`pod ${name} is still there`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Resolves once the runtime has nothing of the pod any more. */
  async untilRemoved({ metadata }: Pick<Pod, "metadata">, timeoutMs = 20_000): Promise<void> {
    const labels = { "io.kubernetes.pod.uid": metadata.uid as string };
    const deadline = Date.now() + timeoutMs;
    const { runtime } = this.kubelet;
    while ((await runtime.listPodSandboxes(labels)).length + (await runtime.listContainers(labels)).length > 0) {
      if (Date.now() > deadline) throw new Error(`something is left of pod ${metadata.name}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async events(name: string): Promise<readonly Event[]> {
    return (await this.client.list(EVENTS, { namespace: "default" })).items.filter((event) => event.involvedObject.name === name);
  }

  async exec(pod: Pod, container: string, ...command: string[]): Promise<string> {
    const id = this.kubelet.containerIdOf(pod, container);
    const { stdout, stderr, exitCode } = await this.kubelet.runtime.execSync(id as string, command, 10);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${Buffer.from(stderr).toString()}`);
    return Buffer.from(stdout).toString();
  }

  #transport(server: TestServer) {
    return inProcessTransport(server.server.pipeline, LOOPBACK_USER, "test");
  }
}

function bound(kubelet: Kubelet): Kubelet {
  return {
    runtime: kubelet.runtime,
    pods: () => kubelet.pods(),
    podByName: (namespace, name) => kubelet.podByName(namespace, name),
    containerRun: (pod, container, options) => kubelet.containerRun(pod, container, options),
    containerIdOf: (pod, container, options) => kubelet.containerIdOf(pod, container, options),
    sandboxIdOf: (pod) => kubelet.sandboxIdOf(pod),
    logPathOf: (pod, container, options) => kubelet.logPathOf(pod, container, options),
    get ready() {
      return kubelet.ready;
    },
    stop: () => kubelet.stop(),
  };
}

function configIn(dir: string): KubeletConfig {
  const suffix = dir.slice(-6).toLowerCase();
  return {
    dataDir: dir,
    nodeName: NODE,
    nodeIp: "127.0.0.1",
    kubeletPort: 10_250,
    kubeletDir: join(dir, "kubelet"),
    podLogsDir: join(dir, "log/pods"),
    containerLogsDir: join(dir, "log/containers"),
    cgroupRoot: `/skt${suffix}-kubepods`,
    containerd: {
      binary: "containerd",
      root: join(dir, "agent/containerd"),
      state: join(dir, "run/containerd"),
      socket: join(dir, "run/containerd/containerd.sock"),
      configFile: join(dir, "agent/etc/containerd.toml"),
      certsDir: join(dir, "agent/etc/certs.d"),
      logFile: join(dir, "logs/containerd.log"),
    },
    cni: { binDir: "/usr/lib/cni", confDir: join(dir, "agent/etc/cni"), bridge: `skt${suffix}0` },
    clusterCidr: "10.142.0.0/16",
    clusterDns: "10.143.0.10",
    clusterDomain: "cluster.local",
    registriesFile: join(dir, "registries.yaml"),
    resolvConf: "/etc/resolv.conf",
    pauseImage: "skiff.local/pause:1",
  };
}

function busyboxArchive(): Buffer {
  const folder = (path: string, mode: number): ArchiveFile => ({ path, mode, data: new Uint8Array() });
  const links = APPLETS.map((name) => ({ path: `bin/${name}`, mode: 0o777, data: new Uint8Array(), linkTo: "busybox" }));
  const files = [folder("bin/", 0o755), folder("tmp/", 0o1777), { path: "bin/busybox", mode: 0o755, data: readFileSync("/bin/busybox") }, ...links];
  return ociArchive({ image: IMAGE, arch: process.arch === "arm64" ? "arm64" : "amd64", files, config: { Env: ["PATH=/bin"], Cmd: ["sh"] } });
}
