import { rmSync } from "node:fs";
import { join } from "node:path";

import { type Clock, sleep } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import { runCommand } from "#lib/run-command.ts";

import type { KubeletConfig } from "./config.ts";
import { CriRuntime } from "./cri/runtime.ts";
import { networkedSandboxes, releaseNetwork } from "./leftovers/pod-networks.ts";
import { killTree, shimsOf } from "./leftovers/processes.ts";
import { Cgroups } from "./pod/cgroups.ts";
import { runningPid, stopContainerd } from "./runtime/containerd.ts";
import { mountsBelow } from "./volume/volume-manager.ts";

export interface CleanupDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

const SHIM_WAIT_MS = 3_000;
const POLL_MS = 20;

/**
 * Takes down all that the kubelet and its containerd have made on this machine outside of files: pods, shims, mounts,
 * network namespaces and devices, cgroups. What is gone already is no mistake; it works without a running containerd too.
 */
export async function cleanUp(config: KubeletConfig, deps: CleanupDeps): Promise<void> {
  await stopPods(config, deps);
  await stopContainerd(config.containerd, deps);
  await endShims(config, deps);
  const { clock } = deps;
  for (const dir of [config.kubeletDir, config.containerd.state, config.containerd.root]) {
    for (const mountPoint of mountsBelow(dir)) await runCommand(clock, "umount", ["-l", mountPoint]).catch(() => undefined);
  }
  await removeNetwork(config, deps);
  new Cgroups(config.cgroupRoot).removeAll();
  for (const dir of [join(config.kubeletDir, "pods"), config.podLogsDir, config.containerLogsDir]) rmSync(dir, { recursive: true, force: true });
}

/** Stops and removes all pods through the runtime, as that frees their networks and addresses. */
async function stopPods({ containerd }: KubeletConfig, { log }: CleanupDeps): Promise<void> {
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

/** Ends the shims that serve this cluster's containerd, and what runs below them: they are told by its socket in their arguments. */
async function endShims({ containerd }: KubeletConfig, { clock }: CleanupDeps): Promise<void> {
  const deadline = clock.monotonic() + SHIM_WAIT_MS;
  for (let shims = shimsOf(containerd.socket); shims.length > 0 && clock.monotonic() < deadline; shims = shimsOf(containerd.socket)) {
    for (const { pid } of shims) killTree(pid);
    await sleep(clock, POLL_MS);
  }
}

/** Where the network's plugins look for programs. */
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Removes the bridge with the devices that hang on it, and the pods' network namespaces that are left. */
async function removeNetwork(config: KubeletConfig, { clock, log }: CleanupDeps): Promise<void> {
  const { cni } = config;
  const run = (file: string, args: readonly string[], options = {}) => runCommand(clock, file, args, options);
  for (const id of networkedSandboxes(config)) await releaseNetwork(config, id, { env: { PATH }, run });
  const devices = await runCommand(clock, "ip", ["-j", "link", "show", "master", cni.bridge]).catch(() => undefined);
  for (const { ifname } of JSON.parse(devices?.stdout || "[]") as { ifname: string }[]) {
    await runCommand(clock, "ip", ["link", "delete", ifname]).catch((error: unknown) => log.warn("network device cannot be removed", { ifname, error }));
  }
  await runCommand(clock, "ip", ["link", "delete", cni.bridge]).catch(() => undefined);
  await removePortChains(clock);
}

const PORT_CHAINS = "CNI-HOSTPORT-DNAT";

/** Removes the chains that the plugin for ports of the host leaves behind, unless ports of another cluster are in them. */
async function removePortChains(clock: Clock): Promise<void> {
  const nat = (...args: string[]) =>
    runCommand(clock, "iptables", ["-w", "-t", "nat", ...args]).then(
      ({ stdout }) => stdout,
      () => "",
    );
  const rules = await nat("-S", PORT_CHAINS);
  if (rules.trim() !== `-N ${PORT_CHAINS}`) return;
  for (const hook of ["PREROUTING", "OUTPUT"]) await nat("-D", hook, "-m", "addrtype", "--dst-type", "LOCAL", "-j", PORT_CHAINS);
  await nat("-D", "POSTROUTING", "-m", "comment", "--comment", "CNI portfwd requiring masquerade", "-j", "CNI-HOSTPORT-MASQ");
  for (const chain of [PORT_CHAINS, "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"]) {
    await nat("-F", chain);
    await nat("-X", chain);
  }
}
