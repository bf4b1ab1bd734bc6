import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { arch, availableParallelism, hostname, release } from "node:os";

import type { NodeSystemInfo } from "#api/core-v1/types.ts";

/** What the node's object says of the machine. */
export interface Machine {
  readonly hostname: string;
  readonly memoryBytes: number;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly info: Omit<NodeSystemInfo, "containerRuntimeVersion" | "kubeletVersion">;
}

const MAX_PODS = "110";
/** Hard eviction leaves this much: upstream's defaults. */
const RESERVED_MEMORY_BYTES = 100 * 2 ** 20;
const RESERVED_STORAGE = 0.1;

/** @param storageDir a folder on the file system that pods' files are on */
export function readMachine(storageDir: string): Machine {
  const memoryKi = Number(/^MemTotal:\s+(\d+) kB/m.exec(text("/proc/meminfo"))?.[1] ?? 0);
  const { blocks, bsize } = statfsSync(storageDir);
  const storageBytes = blocks * bsize;
  const pages = Object.fromEntries(hugePages().map(({ size, bytes }) => [`hugepages-${size}`, bytes === 0 ? "0" : String(bytes)]));
  const fixed = { cpu: String(availableParallelism()), ...pages, pods: MAX_PODS };
  return {
    hostname: hostname(),
    memoryBytes: memoryKi * 1024,
    capacity: sorted({ ...fixed, "ephemeral-storage": `${Math.floor(storageBytes / 1024)}Ki`, memory: `${memoryKi}Ki` }),
    allocatable: sorted({
      ...fixed,
      "ephemeral-storage": String(Math.floor(storageBytes * (1 - RESERVED_STORAGE))),
      memory: `${memoryKi - RESERVED_MEMORY_BYTES / 1024}Ki`,
    }),
    info: systemInfo(),
  };
}

function systemInfo(): Machine["info"] {
  return {
    machineID: text("/etc/machine-id").trim() || text("/var/lib/dbus/machine-id").trim(),
    systemUUID: text("/sys/class/dmi/id/product_uuid").trim() || text("/etc/machine-id").trim(),
    bootID: text("/proc/sys/kernel/random/boot_id").trim(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text("/etc/os-release"))?.[1] ?? "linux",
    kubeProxyVersion: "",
    operatingSystem: "linux",
    architecture: goArch(arch()),
  };
}

/** An architecture by Go's name. */
export function goArch(name: string): string {
  return name === "x64" ? "amd64" : name === "ia32" ? "386" : name;
}

function hugePages(): { size: string; bytes: number }[] {
  const root = "/sys/kernel/mm/hugepages";
  try {
    return readdirSync(root).map((name) => {
      const ki = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
      const size = ki >= 2 ** 20 ? `${ki / 2 ** 20}Gi` : ki >= 1024 ? `${ki / 1024}Mi` : `${ki}Ki`;
      return { size, bytes: Number(text(`${root}/${name}/nr_hugepages`)) * ki * 1024 };
    });
  } catch {
    return [];
  }
}

const sorted = (map: Record<string, string>) => Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
