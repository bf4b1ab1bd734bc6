import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { KubeletConfig } from "#kubelet/config.ts";
import { imageArchive, imageBlobs } from "#lib/oci-image.ts";
import { type TarFile, tarArchive } from "#lib/tar.ts";

export const NODE = "node-1";
export const IMAGE = "test.local/busybox:1";
const BUSYBOX = "/bin/busybox";

/** Why containers cannot be run here; `undefined` when they can. */
export function whyNoContainers(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync("containerd", ["--version"]).status !== 0) return "containerd is not installed";
  if (!existsSync("/usr/lib/cni/bridge")) return "CNI plugins are not installed";
  return existsSync(BUSYBOX) ? undefined : "busybox is not installed";
}

/** 0 to 255, of the node in a folder: two that run at once have different addresses and ports, with luck. */
export function numberOf(dir: string): number {
  return createHash("sha256").update(dir).digest()[0] as number;
}

/** All below one folder; cgroups, devices and addresses follow from it. */
export function configIn(dir: string): KubeletConfig {
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
    // Beside those of test/e2e and bench.
    clusterCidr: `10.141.${numberOf(dir)}.0/24`,
    clusterDns: "10.143.0.10",
    clusterDomain: "cluster.local",
    registriesFile: join(dir, "registries.yaml"),
    resolvConf: "/etc/resolv.conf",
    pauseImage: "skiff.local/pause:1",
  };
}

/** An image with a shell and small tools. */
export function busyboxArchive(name = IMAGE): Buffer {
  const folder = (path: string, mode: number): TarFile => ({ path, mode, data: new Uint8Array() });
  const applets = execFileSync(BUSYBOX, ["--list"], { encoding: "utf8" }).trim().split("\n");
  const links = applets.filter((name) => name !== "busybox").map((name) => ({ path: `bin/${name}`, mode: 0o777, data: new Uint8Array(), linkTo: "busybox" }));
  const files = [folder("bin/", 0o755), folder("tmp/", 0o1777), { path: "bin/busybox", mode: 0o755, data: readFileSync(BUSYBOX) }, ...links];
  const config = { Env: ["PATH=/bin"], Cmd: ["sh"] };
  return imageArchive(name, imageBlobs({ layer: tarArchive(files), arch: process.arch === "arm64" ? "arm64" : "amd64", config }));
}
