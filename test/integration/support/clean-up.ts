import { rmSync } from "node:fs";
import { join } from "node:path";

import { removePortRules } from "#cli/iptables.ts";
import { unmountBelow } from "#cli/mounts.ts";
import type { KubeletConfig } from "#kubelet/config.ts";
import { CriRuntime } from "#kubelet/cri/runtime.ts";
import { networkedSandboxes, releaseNetwork } from "#kubelet/leftovers/pod-networks.ts";
import { killTree, shimsOf } from "#kubelet/leftovers/processes.ts";
import { Cgroups } from "#kubelet/pod/cgroups.ts";
import { runningPid, stopContainerd } from "#kubelet/runtime/containerd.ts";
import { sleep } from "#lib/clock.ts";
import { type Logger, silentLogger } from "#lib/logger.ts";
import { runCommand } from "#lib/run-command.ts";
import { systemClock as clock } from "#lib/system-clock.ts";
import { abandonedFolders, ownFolder } from "#test/e2e/support/own-folder.ts";

import { configIn } from "./node-config.ts";

const PREFIX = "skiff-node-";
const SHIM_WAIT_MS = 3_000;
const POLL_MS = 20;

/** A folder for `configIn()`. First, what nodes of killed runs have left is taken down: their containers and bridges would go on. */
export async function nodeFolder(): Promise<string> {
  for (const left of abandonedFolders(PREFIX)) {
    await cleanUp(configIn(left), silentLogger);
    rmSync(left, { recursive: true, force: true });
  }
  return ownFolder(PREFIX);
}

/**
 * Takes down what a kubelet that belongs to no cluster, and its containerd, have made on this machine outside of its folder. What is gone
 * already is no mistake; it works without a running containerd too. Of clusters, `skiff down --purge` takes care.
 */
export async function cleanUp(config: KubeletConfig, log: Logger): Promise<void> {
  await stopPods(config, log);
  await stopContainerd(config.containerd, { clock, log });
  await endShims(config);
  unmountBelow([config.kubeletDir, config.containerd.state, config.containerd.root]);
  await removeNetwork(config);
  new Cgroups(config.cgroupRoot).remove(config.cgroupRoot);
  for (const dir of [join(config.kubeletDir, "pods"), config.podLogsDir, config.containerLogsDir]) rmSync(dir, { recursive: true, force: true });
}

/** Stops and removes all pods through the runtime, as that frees their networks and addresses. */
async function stopPods({ containerd }: KubeletConfig, log: Logger): Promise<void> {
  if (runningPid(containerd) === undefined) return;
  const runtime = new CriRuntime(containerd.socket);
  try {
    const sandboxes = await runtime.listPodSandboxes();
    const remove = async (id: string) => {
      await runtime.stopPodSandbox(id);
      await runtime.removePodSandbox(id);
    };
    // One that fails is no reason to leave the others half done.
    const outcomes = await Promise.allSettled(sandboxes.map(({ id }) => remove(id)));
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  } catch (error) {
    log.warn("pods cannot be stopped through the runtime", { error });
  } finally {
    runtime.close();
  }
}

async function endShims({ containerd }: KubeletConfig): Promise<void> {
  const deadline = clock.monotonic() + SHIM_WAIT_MS;
  for (let shims = shimsOf(containerd.socket); shims.length > 0 && clock.monotonic() < deadline; shims = shimsOf(containerd.socket)) {
    for (const { pid } of shims) killTree(pid);
    await sleep(clock, POLL_MS);
  }
}

/** The pods' networks that are left, and the bridge with the devices that hang on it. */
async function removeNetwork(config: KubeletConfig): Promise<void> {
  const { bridge } = config.cni;
  const run = (file: string, args: readonly string[], options = {}) => runCommand(clock, file, args, options);
  for (const id of networkedSandboxes(config)) await releaseNetwork(config, id, { env: process.env, run });
  const devices = await run("ip", ["-j", "link", "show", "master", bridge]).catch(() => undefined);
  const names = (JSON.parse(devices?.stdout || "[]") as { ifname: string }[]).map(({ ifname }) => ifname);
  for (const name of [...names, bridge]) await run("ip", ["link", "delete", name]).catch(() => undefined);
  removePortRules([]); // what the plugin for ports made for all, when no rule is left
}
