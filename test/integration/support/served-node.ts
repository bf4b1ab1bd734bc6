import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ContainerdTasks } from "#kubelet/cri/tasks.ts";
import { type KubeletServer, startKubeletServer } from "#kubelet/server/server.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";
import { freePort } from "#test/e2e/support/ports.ts";

import { KubeletCluster } from "./kubelet-cluster.ts";

/** A cluster of one node that the API server reaches: logs, exec and their like go the whole way. */
export class ServedNode {
  readonly cluster: KubeletCluster;
  readonly #server: KubeletServer;

  private constructor(cluster: KubeletCluster, server: KubeletServer) {
    this.cluster = cluster;
    this.#server = server;
  }

  static async start(): Promise<ServedNode> {
    const kubeletPort = await freePort();
    const cluster = await KubeletCluster.start(silentLogger, { kubeletPort });
    const { dataDir, containerd } = cluster.config;
    const { pki } = cluster.server;
    const dir = join(dataDir, "kubelet-server");
    mkdirSync(dir);
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const server = await startKubeletServer(
      {
        host: "127.0.0.1",
        port: kubeletPort,
        certFile: file("tls.crt", pki.server.cert),
        keyFile: file("tls.key", pki.server.key),
        clientCaFile: file("ca.crt", pki.ca),
        runDir: join(dir, "run"),
      },
      {
        pods: cluster.kubelet,
        runtime: cluster.kubelet.runtime,
        tasks: new ContainerdTasks(containerd.socket),
        clock: systemClock,
        rng: systemRng,
        log: silentLogger,
      },
    );
    return new ServedNode(cluster, server);
  }

  async close(): Promise<void> {
    await this.#server.stop();
    await this.cluster.close();
  }
}
