import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import type { CriRuntime } from "#kubelet/cri/runtime.ts";
import { type ContainerConfig, NAMESPACE_CONTAINER, NAMESPACE_POD, PROFILE_UNCONFINED, type SandboxConfig } from "#kubelet/cri/types.ts";

/** Gives the id of its sandbox when its container runs. */
export type StartBarePod = () => Promise<string>;

/** Starts pods as the kubelet does, but by three calls of the runtime alone: no API, no volumes, no status. */
export function barePods(runtime: CriRuntime, image: string, command: readonly string[], { cgroup, logs }: { cgroup: string; logs: string }): StartBarePod {
  return async () => {
    const sandbox = sandboxConfig(cgroup, logs);
    mkdirSync(sandbox.logDirectory, { recursive: true });
    const id = await runtime.runPodSandbox(sandbox);
    const container = await runtime.createContainer(id, containerConfig(image, command), sandbox);
    await runtime.startContainer(container);
    return id;
  };
}

export async function removeBarePods(runtime: CriRuntime, ids: readonly string[], logs: string): Promise<void> {
  await Promise.all(
    ids.map(async (id) => {
      await runtime.stopPodSandbox(id);
      await runtime.removePodSandbox(id);
    }),
  );
  rmSync(logs, { recursive: true, force: true });
}

const namespaceOptions = { network: NAMESPACE_POD, pid: NAMESPACE_CONTAINER, ipc: NAMESPACE_POD };

function sandboxConfig(cgroup: string, logs: string): SandboxConfig {
  const uid = randomUUID();
  const name = `bare-${uid.slice(0, 8)}`;
  return {
    metadata: { name, uid, namespace: "bench", attempt: 0 },
    hostname: name,
    logDirectory: `${logs}/${uid}`,
    portMappings: [],
    labels: {},
    annotations: {},
    linux: {
      cgroupParent: `${cgroup}/besteffort/pod${uid}`,
      sysctls: {},
      securityContext: { namespaceOptions, supplementalGroups: [], privileged: false, seccomp: { profileType: PROFILE_UNCONFINED } },
    },
  };
}

function containerConfig(image: string, command: readonly string[]): ContainerConfig {
  return {
    metadata: { name: "main", attempt: 0 },
    image: { image },
    command,
    args: [],
    workingDir: "",
    envs: [],
    mounts: [],
    devices: [],
    labels: {},
    annotations: {},
    logPath: "main.log",
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: {
      resources: { cpuShares: 2 },
      securityContext: {
        capabilities: { addCapabilities: [], dropCapabilities: [] },
        privileged: false,
        namespaceOptions,
        readonlyRootfs: false,
        supplementalGroups: [],
        noNewPrivs: false,
        maskedPaths: [],
        readonlyPaths: [],
        seccomp: { profileType: PROFILE_UNCONFINED },
      },
    },
  };
}
