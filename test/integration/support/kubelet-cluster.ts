import { rmSync } from "node:fs";

import type { Pod } from "#api/core-v1/types.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import type { KubeletConfig } from "#kubelet/config.ts";
import { type Kubelet, startKubelet } from "#kubelet/kubelet.ts";
import { importArchive } from "#kubelet/runtime/images.ts";
import { type Logger, silentLogger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";
import type { TestServer } from "#test/api-server/test-server.ts";

import { cleanUp, nodeFolder } from "./clean-up.ts";
import { NodeApi } from "./node-api.ts";
import { busyboxArchive, configIn } from "./node-config.ts";

export { IMAGE, NODE, whyNoContainers } from "./node-config.ts";

/** An API server in memory, and a real kubelet on a containerd of its own. */
export class KubeletCluster extends NodeApi {
  readonly config: KubeletConfig;
  kubelet!: Kubelet;
  readonly #dir: string;
  readonly #log: Logger;

  private constructor(server: TestServer, dir: string, log: Logger, changes: Partial<KubeletConfig>) {
    super(server);
    this.config = { ...configIn(dir), ...changes };
    this.#dir = dir;
    this.#log = log;
  }

  static async start(log: Logger = silentLogger, changes: Partial<KubeletConfig> = {}): Promise<KubeletCluster> {
    const cluster = new KubeletCluster(await NodeApi.open(), await nodeFolder(), log, changes);
    await cluster.seed();
    await cluster.givePodCidr(cluster.config.clusterCidr);
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
    await cleanUp(this.config, this.#log);
    await this.server.close();
    rmSync(this.#dir, { recursive: true, force: true });
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

  async exec(pod: Pod, container: string, ...command: string[]): Promise<string> {
    const id = this.kubelet.containerIdOf(pod, container);
    const { stdout, stderr, exitCode } = await this.kubelet.runtime.execSync(id as string, command, 10);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${Buffer.from(stderr).toString()}`);
    return Buffer.from(stdout).toString();
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
