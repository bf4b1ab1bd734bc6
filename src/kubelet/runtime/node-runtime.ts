import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { KubeletConfig } from "#kubelet/config.ts";
import type { CriRuntime } from "#kubelet/cri/runtime.ts";

import { cniConfig } from "./cni-config.ts";
import { type ContainerdDeps, ensureContainerd } from "./containerd.ts";
import { containerdConfig, hostPortConfDir } from "./containerd-config.ts";
import { importArchive } from "./images.ts";
import { type PauseArch, pauseArchive } from "./pause-image.ts";
import { hostsFiles, parseRegistries, registryConfigs } from "./registries.ts";

const CAP_SYS_RESOURCE = 24;
/** Name of the pod network's configuration. */
export const CNI_FILE = "10-skiff.conflist";

/** Starts or adopts the private containerd with this node's settings, and gives it the pause image. */
export async function startNodeRuntime(config: KubeletConfig, arch: PauseArch, deps: ContainerdDeps): Promise<CriRuntime> {
  const registries = await parseRegistries(readText(config.registriesFile) ?? "");
  writeHostsFiles(config.containerd.certsDir, hostsFiles(registries));
  for (const dir of [config.cni.confDir, hostPortConfDir(config.cni)]) mkdirSync(dir, { recursive: true });
  const text = containerdConfig({
    paths: config.containerd,
    cni: config.cni,
    sandboxImage: config.pauseImage,
    restrictOomScoreAdj: !hasCapability(CAP_SYS_RESOURCE),
    registryConfigs: registryConfigs(registries),
  });
  const runtime = await ensureContainerd(config.containerd, text, deps);
  if ((await runtime.imageStatus(config.pauseImage)) === undefined) {
    await importArchive(config.containerd.socket, pauseArchive(config.pauseImage, arch));
  }
  return runtime;
}

/**
 * Writes the pod network's configuration, which the runtime takes up at once.
 *
 * @returns whether it changed
 */
export function writeCniConfig({ cni, dataDir }: KubeletConfig, podCidr: string): boolean {
  const networks = [
    { dir: cni.confDir, hostPorts: false },
    { dir: hostPortConfDir(cni), hostPorts: true },
  ];
  const changed = networks.map(({ dir, hostPorts }) => {
    const text = cniConfig({ bridge: cni.bridge, podCidr, leaseDir: cniLeaseDir(dataDir), hostPorts });
    const file = join(dir, CNI_FILE);
    if (readText(file) === text) return false;
    mkdirSync(dir, { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
    return true;
  });
  return changed.includes(true);
}

/** Where host-local keeps the addresses that are in use. */
export function cniLeaseDir(dataDir: string): string {
  return join(dataDir, "agent/cni");
}

function writeHostsFiles(certsDir: string, files: ReadonlyMap<string, string>): void {
  rmSync(certsDir, { recursive: true, force: true });
  mkdirSync(certsDir, { recursive: true });
  for (const [name, text] of files) {
    const file = join(certsDir, name, "hosts.toml");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  }
}

/** Whether this process may use a capability, by its number. */
export function hasCapability(number: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText("/proc/self/status") ?? "")?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> BigInt(number)) & 1n) === 1n;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
