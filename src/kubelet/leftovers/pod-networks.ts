import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import type { KubeletConfig } from "#kubelet/config.ts";
import { hostPortConfDir } from "#kubelet/runtime/containerd-config.ts";
import { CNI_NETWORK } from "#kubelet/runtime/cni-config.ts";
import { CNI_FILE, cniLeaseDir } from "#kubelet/runtime/node-runtime.ts";
import type { runCommand } from "#lib/run-command.ts";

import { namespacesInUse } from "./processes.ts";

/** Where the CNI library keeps, for all containerds of a machine, what a container was given. */
const RESULTS_DIR = "/var/lib/cni/results";
const RESULT_NAME = /^(?:cni-loopback|skiff)-([0-9a-f]{64})-(?:lo|eth0)$/;

/** Where one node keeps what it makes for pods' networks. */
export type NetworkPaths = Pick<KubeletConfig, "containerd" | "cni" | "dataDir">;

/** Folder of pods' network namespaces. */
export function namespaceDir({ containerd }: NetworkPaths): string {
  return join(containerd.state, "io.containerd.grpc.v1.cri/netns");
}

/** Names of namespaces in which nothing runs. */
export function idleNamespaces(paths: NetworkPaths): string[] {
  const names = namesIn(namespaceDir(paths));
  if (names.length === 0) return [];
  const used = namespacesInUse();
  return names.filter((name) => !used.has(inodeOf(join(namespaceDir(paths), name))));
}

/** Ids of the sandboxes that have an address or a result of the network's plugins. */
export function networkedSandboxes(paths: NetworkPaths): string[] {
  const leases = leaseFiles(paths).map((file) => readText(file).split(/\s/)[0] ?? "");
  const results = namesIn(RESULTS_DIR).flatMap((name) => {
    const id = RESULT_NAME.exec(name)?.[1];
    return id === undefined ? [] : [id];
  });
  return [...new Set([...leases, ...results.filter((id) => resultsOf(paths, id).length > 0)])];
}

/** As the plugin for ports of the host reads it; which ports they were is of no matter to it. */
const SOME_PORT = { portMappings: [{ hostPort: 1, containerPort: 1, protocol: "tcp" }] };

export interface PluginDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly run: (file: string, args: readonly string[], options: NonNullable<Parameters<typeof runCommand>[3]>) => Promise<unknown>;
}

/** Gives back what the plugins gave a sandbox that is gone: ports of the host, its address, what was noted of it. */
export async function releaseNetwork(paths: NetworkPaths, sandboxId: string, { env, run }: PluginDeps): Promise<void> {
  const { cni } = paths;
  const text = readText(join(hostPortConfDir(cni), CNI_FILE)); // has all plugins that any pod's network has
  const { plugins = [], ...network } = JSON.parse(text || "{}") as { readonly plugins?: readonly { readonly type: string }[] };
  const call = { CNI_COMMAND: "DEL", CNI_CONTAINERID: sandboxId, CNI_NETNS: "", CNI_IFNAME: "eth0", CNI_PATH: cni.binDir };
  for (const plugin of plugins.toReversed()) {
    const stdin = JSON.stringify({ ...network, ...plugin, runtimeConfig: SOME_PORT });
    // One that fails is no reason to leave out the others; it is called again, as the address still stands.
    await run(join(cni.binDir, plugin.type), [], { stdin, env: { ...env, ...call } }).catch(() => undefined);
  }
  for (const file of resultsOf(paths, sandboxId)) rmSync(file, { force: true });
}

function leaseFiles({ dataDir }: NetworkPaths): string[] {
  const dir = join(cniLeaseDir(dataDir), CNI_NETWORK);
  return namesIn(dir)
    .filter((name) => /^\d+\.\d+\.\d+\.\d+$/.test(name))
    .map((name) => join(dir, name));
}

/** The files of results of a sandbox of ours. */
function resultsOf(paths: NetworkPaths, id: string): string[] {
  const files = [`${CNI_NETWORK}-${id}-eth0`, `cni-loopback-${id}-lo`].map((name) => join(RESULTS_DIR, name));
  return files.filter((file) => isOurs(paths, readText(file)));
}

interface CniResult {
  /** Base64. */
  readonly config?: string;
  readonly result?: { readonly interfaces?: readonly { readonly sandbox?: string }[] };
}

function isOurs(paths: NetworkPaths, text: string): boolean {
  try {
    const { config = "", result } = JSON.parse(text) as CniResult;
    const isInside = (result?.interfaces ?? []).some(({ sandbox }) => sandbox?.startsWith(`${paths.containerd.state}/`));
    return isInside || Buffer.from(config, "base64").toString().includes(JSON.stringify(paths.cni.bridge));
  } catch {
    return false;
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function inodeOf(file: string): number {
  try {
    return statSync(file).ino;
  } catch {
    return 0;
  }
}
