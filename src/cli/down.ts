import { existsSync } from "node:fs";
import type { Clock } from "#lib/clock.ts";
import { podProcesses } from "./cgroups.ts";
import { type Arguments, type Context } from "./context.ts";
import { SkiffError } from "./errors.ts";
import { sayGoodbye } from "./introduction.ts";
import { withLock } from "./lock.ts";
import { unmountBelow } from "./mounts.ts";
import { neighbours, unclaimed } from "./neighbours.ts";
import { instancesHere, removeNetwork } from "./network.ts";
import { type Paths, pathsOf } from "./paths.ts";
import { Problems } from "./problems.ts";
import { ancestorsOf, childrenOf, clusterProcesses, endAll, killAll, processInfo, runningClusters } from "./processes.ts";
import { purge, removeShimSockets } from "./purge.ts";
import { Steps } from "./steps.ts";
import { stopPrograms } from "./stop.ts";
import { disableUnits, removeUnits } from "./systemd.ts";

/** Together with what it takes to kill and to remove, these stay below the 15 s that `down` may take. */
const CONTAINER_GRACE_MS = 3500;
const CONTAINERD_GRACE_MS = 500;
/** For an `up` that has just begun; one that hangs is named. */
const LOCK_WAIT_MS = 5000;

/** `skiff down`: ends every process of the cluster; with `--purge`, removes what it made. */
export async function down(args: Arguments, context: Context): Promise<number> {
  const { settings, clock, err } = context;
  const { dataDir } = settings;
  const steps = new Steps(clock, err, args.flags["quiet"] === true ? "quiet" : "text");
  const paths = pathsOf(dataDir);
  if (!existsSync(dataDir) && clusterProcesses(dataDir).length === 0 && !instancesHere().has(paths.instance)) {
    steps.note("Nothing runs here.");
    return 0;
  }
  await withLock(dataDir, { clock, waitMs: LOCK_WAIT_MS }, async () => {
    const problems = new Problems();
    disableUnits(dataDir);
    await steps.run("server and agent stopped", () => problems.catch(() => stopPrograms(dataDir, clock)));
    await steps.run("containers stopped", () => stopContainers(paths, clock));
    const others = neighbours(dataDir, runningClusters());
    removeNetwork(paths.instance, unclaimed([settings.clusterDns], others), paths.runDir);
    if (args.flags["purge"] === true) await purgeAll(args, context, steps, problems);
    problems.throwFirst();
  });
  return 0;
}

/** Containers get time to end in order; then containerd and the shims go, and their mounts. */
async function stopContainers({ dataDir, containerdState, cgroupRoot }: Paths, clock: Clock): Promise<void> {
  const shims = clusterProcesses(dataDir).filter(({ role }) => role === "shim");
  await endAll(childrenOf(new Set(shims.map(({ pid }) => pid))), CONTAINER_GRACE_MS, clock);
  await endAll(
    clusterProcesses(dataDir).filter(({ role }) => role === "containerd"),
    CONTAINERD_GRACE_MS,
    clock,
  );
  const ours = clusterProcesses(dataDir);
  const pids = new Set(ours.map(({ pid }) => pid));
  const strays = podProcesses(cgroupRoot).flatMap((pid) => processInfo(pid) ?? []);
  // Another Kubernetes may call its cgroups alike, but its pods have shims of its own.
  const strangers = strays.filter((info) => ancestorsOf(info).some(({ pid, role }) => role === "shim" && !pids.has(pid)));
  await killAll([...ours, ...strays.filter((info) => !strangers.includes(info))], clock);
  removeShimSockets(containerdState);
  unmountBelow([containerdState]);
}

async function purgeAll(args: Arguments, context: Context, steps: Steps, problems: Problems): Promise<void> {
  const { dataDir, clusterDns } = context.settings;
  // A kubeconfig that cannot be changed must not keep the rest; it is told of at the end.
  const forgotten = sayGoodbye(args, context).catch((error: unknown) => error);
  const left = await steps.run("files, mounts, devices, tables removed", async () => {
    await forgotten;
    await problems.catch(() => removeUnits(dataDir));
    return purge(pathsOf(dataDir), clusterDns, neighbours(dataDir, runningClusters()));
  });
  const problem = await forgotten;
  if (problem !== undefined) throw problem;
  if (left.length > 0) throw new SkiffError("SKF-0101", "something could not be removed", { reason: left.join("; "), remedy: "./skiff down --purge" });
}
