import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Pod } from "#api/core-v1/types.ts";
import { ContainerdTasks } from "#kubelet/cri/tasks.ts";
import type { CriRuntime } from "#kubelet/cri/runtime.ts";
import { NAMESPACE_CONTAINER, NAMESPACE_NODE, NAMESPACE_POD, PROFILE_UNCONFINED, type SandboxConfig } from "#kubelet/cri/types.ts";
import { runtimeContainer, type RuntimeContainer } from "#kubelet/pod/runtime-pod.ts";
import { containerdConfig } from "#kubelet/runtime/containerd-config.ts";
import { ensureContainerd, stopContainerd } from "#kubelet/runtime/containerd.ts";
import { importArchive } from "#kubelet/runtime/images.ts";
import { hasCapability } from "#kubelet/runtime/node-runtime.ts";
import { pauseArchive } from "#kubelet/runtime/pause-image.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";
import { busyboxArchive } from "#test/integration/support/node-config.ts";
import { testPki, type TestPki } from "#test/pki/test-pki.ts";

import type { PodLookup } from "../pod-lookup.ts";
import { type KubeletServer, startKubeletServer } from "../server.ts";

const CAP_SYS_RESOURCE = 24;
const PAUSE = "skiff.test/pause:1";
const IMAGE = "skiff.test/busybox:1";
const POD_CIDR = "10.251.77.0/24";

export interface RunOptions {
  readonly command: readonly string[];
  readonly stdin?: boolean;
  readonly tty?: boolean;
  /** In a network namespace of its own. */
  readonly ownNetwork?: boolean;
}

/** A private containerd with busybox, the node's API over TLS in front of it, and pods that tests put there. */
export class TestNode {
  readonly dir: string;
  readonly pki: TestPki;
  readonly runtime: CriRuntime;
  readonly tasks: ContainerdTasks;
  readonly pods = new Map<string, { pod: Pod; runs: readonly RuntimeContainer[]; sandboxId: string }>();
  readonly server: KubeletServer;
  readonly #stopContainerd: () => Promise<void>;

  private constructor(parts: Pick<TestNode, "dir" | "pki" | "runtime" | "tasks" | "server" | "pods"> & { readonly stopRuntime: () => Promise<void> }) {
    this.dir = parts.dir;
    this.pki = parts.pki;
    this.runtime = parts.runtime;
    this.tasks = parts.tasks;
    this.server = parts.server;
    this.pods = parts.pods;
    this.#stopContainerd = parts.stopRuntime;
  }

  /** @param env for containerd */
  static async start(env: NodeJS.ProcessEnv): Promise<TestNode> {
    const dir = mkdtempSync(join(tmpdir(), "kubelet-server-"));
    const { runtime, socket, stopRuntime } = await startRuntime(dir, env);
    const pki = await testPki();
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const config = {
      host: "127.0.0.1",
      port: 0,
      certFile: file("tls.crt", pki.server.cert),
      keyFile: file("tls.key", pki.server.key),
      clientCaFile: file("ca.crt", pki.ca),
      runDir: join(dir, "run"),
    };
    const tasks = new ContainerdTasks(socket);
    const pods: TestNode["pods"] = new Map();
    const server = await startKubeletServer(config, { pods: lookupIn(pods), runtime, tasks, clock: systemClock, rng: systemRng, log: silentLogger });
    return new TestNode({ dir, pki, runtime, tasks, server, pods, stopRuntime });
  }

  /** Runs a pod with one container, `main`. */
  async run(name: string, { command, stdin = false, tty = false, ownNetwork = false }: RunOptions): Promise<string> {
    const config = this.#sandboxConfig(name, ownNetwork);
    const sandboxId = await this.runtime.runPodSandbox(config);
    const id = await this.runtime.createContainer(
      sandboxId,
      {
        metadata: { name: "main", attempt: 0 },
        image: { image: IMAGE },
        command,
        args: [],
        workingDir: "",
        envs: [{ key: "COLOUR", value: Buffer.from("blue") }],
        mounts: [],
        devices: [],
        labels: {},
        annotations: {},
        logPath: "main/0.log",
        stdin,
        stdinOnce: stdin,
        tty,
        linux: {
          resources: { oomScoreAdj: 500 },
          securityContext: {
            capabilities: { addCapabilities: [], dropCapabilities: [] },
            privileged: false,
            namespaceOptions: config.linux.securityContext.namespaceOptions,
            readonlyRootfs: false,
            supplementalGroups: [],
            noNewPrivs: false,
            maskedPaths: [],
            readonlyPaths: [],
            seccomp: { profileType: PROFILE_UNCONFINED },
          },
        },
      },
      config,
    );
    await this.runtime.startContainer(id);
    const pod: Pod = {
      metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { containers: [{ name: "main", image: IMAGE, resources: {}, stdin, tty }], ...(!ownNetwork && { hostNetwork: true }) },
      status: {},
    };
    this.pods.set(`default/${name}`, { pod, runs: [], sandboxId });
    await this.look(name);
    return id;
  }

  /** Takes over what the runtime says of a pod's container. */
  async look(name: string): Promise<void> {
    const entry = this.pods.get(`default/${name}`)!;
    const containers = await this.runtime.listContainers();
    const own = containers.filter(({ podSandboxId }) => podSandboxId === entry.sandboxId);
    const runs = await Promise.all(own.map(async ({ id }) => runtimeContainer((await this.runtime.containerStatus(id))!)));
    this.pods.set(`default/${name}`, { ...entry, runs });
  }

  async stop(): Promise<void> {
    await this.server.stop();
    for (const { id } of await this.runtime.listPodSandboxes()) {
      await this.runtime.stopPodSandbox(id);
      await this.runtime.removePodSandbox(id);
    }
    this.runtime.close();
    await this.#stopContainerd();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #sandboxConfig(name: string, ownNetwork: boolean): SandboxConfig {
    return {
      metadata: { name, uid: `uid-${name}`, namespace: "default", attempt: 0 },
      hostname: ownNetwork ? name : "",
      logDirectory: join(this.dir, "pods", `default_${name}_uid-${name}`),
      portMappings: [],
      labels: {},
      annotations: {},
      linux: {
        cgroupParent: "",
        sysctls: {},
        securityContext: {
          namespaceOptions: { network: ownNetwork ? NAMESPACE_POD : NAMESPACE_NODE, pid: NAMESPACE_CONTAINER, ipc: NAMESPACE_POD },
          supplementalGroups: [],
          privileged: false,
          seccomp: { profileType: PROFILE_UNCONFINED },
        },
      },
    };
  }
}

function lookupIn(pods: TestNode["pods"]): PodLookup {
  const of = (pod: Pod) => pods.get(`${pod.metadata.namespace}/${pod.metadata.name}`);
  return {
    pods: () => [...pods.values()].map(({ pod }) => pod),
    podByName: (namespace, name) => pods.get(`${namespace}/${name}`)?.pod,
    containerRun: (pod, container, { previous = false } = {}) => of(pod)?.runs.filter(({ name }) => name === container)[previous ? 1 : 0],
    sandboxIdOf: (pod) => of(pod)?.sandboxId,
  };
}

async function startRuntime(dir: string, env: NodeJS.ProcessEnv) {
  const at = (name: string) => join(dir, "containerd", name);
  const paths = {
    binary: "containerd",
    root: at("root"),
    state: at("state"),
    socket: at("s.sock"),
    configFile: at("config.toml"),
    certsDir: at("certs"),
    logFile: at("log"),
  };
  const cni = { binDir: "/usr/lib/cni", confDir: at("cni"), bridge: "unused" };
  mkdirSync(cni.confDir, { recursive: true });
  writeFileSync(join(cni.confDir, "10-test.conflist"), JSON.stringify(network(at("leases"))));
  const config = containerdConfig({ paths, cni, sandboxImage: PAUSE, restrictOomScoreAdj: !hasCapability(CAP_SYS_RESOURCE), registryConfigs: "" });
  const deps = { clock: systemClock, log: silentLogger, env };
  const runtime = await ensureContainerd(paths, config, deps);
  await importArchive(paths.socket, pauseArchive(PAUSE, "amd64"));
  await importArchive(paths.socket, busyboxArchive(IMAGE));
  return { runtime, socket: paths.socket, stopRuntime: () => stopContainerd(paths, deps) };
}

/** A pair of devices for each pod, which go with it: no bridge is left over. */
function network(dataDir: string) {
  const ipam = { type: "host-local", dataDir, ranges: [[{ subnet: POD_CIDR }]] };
  return { cniVersion: "0.4.0", name: "kubelet-server-test", plugins: [{ type: "ptp", ipam }] };
}
