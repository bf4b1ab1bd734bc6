import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Clock } from "#lib/clock.ts";
import { type Arguments, type Context, textFlag } from "./context.ts";
import { configOwner, kubeconfigPaths, removeFromKubeconfig } from "./kubeconfig-files.ts";
import { withLock } from "./lock.ts";
import { unmountBelow } from "./mounts.ts";
import { contextName, pathsOf } from "./paths.ts";
import { childrenOf, clusterProcesses, endAll, type Role } from "./processes.ts";
import { purge, removeShimSockets } from "./purge.ts";
import { Steps } from "./steps.ts";
import { readIntroduction, readPasswd } from "./up.ts";

/** The parts add up to less than the 15 s that `down` may take. */
const PROGRAM_GRACE_MS = 4000;
const CONTAINER_GRACE_MS = 5000;
const CONTAINERD_GRACE_MS = 2000;

/** `skiff down`: ends every process of the cluster; with `--purge`, removes what it made. */
export async function down(args: Arguments, context: Context): Promise<number> {
  const { dataDir } = context.settings;
  const steps = new Steps(context.clock, context.err, args.flags["quiet"] === true ? "quiet" : "text");
  const paths = pathsOf(dataDir);
  if (!existsSync(dataDir) && clusterProcesses(dataDir).length === 0) {
    steps.note("Nothing runs here.");
    return 0;
  }
  await withLock(dataDir, async () => {
    await steps.run("server and agent stopped", () => stopPrograms(dataDir, context.clock));
    await steps.run("containers stopped", () => stopContainers(dataDir, paths.containerdState, context.clock));
    if (args.flags["purge"] !== true) return;
    // A kubeconfig that cannot be changed must not keep the rest; it is told of at the end.
    const forgotten = forget(args, context).catch((error: unknown) => error);
    await steps.run("files, mounts, devices, tables removed", async () => {
      await forgotten;
      purge(paths, context.settings.clusterDns);
    });
    const problem = await forgotten;
    if (problem !== undefined) throw problem;
  });
  return 0;
}

/** Supervisors go first, so that nothing comes back; containers are left alone. */
export async function stopPrograms(dataDir: string, clock: Clock): Promise<void> {
  const roles = (...wanted: Role[]) => clusterProcesses(dataDir).filter(({ role }) => wanted.includes(role));
  await endAll(roles("supervisor"), PROGRAM_GRACE_MS, clock);
  await endAll(roles("server", "agent"), PROGRAM_GRACE_MS, clock);
}

/** Containers get time to end in order; then containerd and the shims go, and their mounts. */
async function stopContainers(dataDir: string, containerdState: string, clock: Clock): Promise<void> {
  const shims = clusterProcesses(dataDir).filter(({ role }) => role === "shim");
  await endAll(childrenOf(new Set(shims.map(({ pid }) => pid))), CONTAINER_GRACE_MS, clock);
  await endAll(
    clusterProcesses(dataDir).filter(({ role }) => role === "containerd"),
    CONTAINERD_GRACE_MS,
    clock,
  );
  await endAll(clusterProcesses(dataDir), 0, clock);
  removeShimSockets(containerdState);
  unmountBelow([containerdState]);
}

async function forget(args: Arguments, context: Context): Promise<void> {
  const owner = configOwner(context.env, readPasswd());
  const { files, previous } = readIntroduction(context.settings.dataDir);
  const listed = kubeconfigPaths(textFlag(args, "kubeconfig"), context.env["KUBECONFIG"], owner.home);
  await removeFromKubeconfig([...new Set([...files, ...listed].map((file) => resolve(file)))], contextName(context.settings.dataDir), previous, owner);
}
