import type { Pod } from "#api/core-v1/types.ts";

import type { CrashCluster } from "./crash-cluster.ts";
import type { HostState } from "./host-state.ts";
import type { Victim } from "./steps.ts";

/** What is under way when the kill comes. */
export type Phase = "start" | "end";
export const PHASES: readonly Phase[] = ["start", "end"];

export interface Round {
  readonly phase: Phase;
  /** The step that kills, by its number from 1 or its name; or so long after the phase has begun. */
  readonly at: { readonly step: number | string } | { readonly delayMs: number };
  readonly victims: readonly Victim[];
}

const TIMEOUT_MS = 20_000;
const HELD_POD = { "network namespaces": 1, links: 1, addresses: 1, "network results": 1, "pods' folders": 1, "log folders": 1 } as const;
const POD = "victim";
const POLL_MS = 20;

const isReady = ({ status }: Pod) => status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") === true;

/** How many steps a pod's start and end take when nothing is killed. */
export async function countSteps(cluster: CrashCluster): Promise<Readonly<Record<Phase, readonly string[]>>> {
  cluster.arm(0, []);
  await cluster.createFullPod(POD);
  await cluster.until(POD, "ready", isReady);
  const start = cluster.steps.trace;
  cluster.arm(0, []);
  await cluster.delete(POD);
  await cluster.untilGone(POD);
  await cluster.untilClean();
  return { start, end: cluster.steps.trace };
}

/**
 * Kills at one moment of a pod's start or end, starts what is to be started again, and sees that the pod comes up in spite of it,
 * with one of everything, and is gone without a trace once it is deleted.
 *
 * @returns what was done when the kill came; `undefined` when all was done before
 * @throws {Error} that says what is wrong
 */
export async function playRound(cluster: CrashCluster, { phase, at, victims }: Round): Promise<string | undefined> {
  const begin = () => ("step" in at ? cluster.arm(at.step, victims) : cluster.killIn(at.delayMs, victims));
  if (phase === "start") begin();
  await cluster.createFullPod(POD);
  if (phase === "start") await killed(cluster, async () => "step" in at && (await isReadyIn(cluster)));
  await cluster.until(POD, "ready", isReady, TIMEOUT_MS);
  await cluster.untilHost("one pod runs", notOnePod, TIMEOUT_MS);
  if (phase === "end") begin();
  await cluster.delete(POD);
  if (phase === "end") await killed(cluster, async () => "step" in at && (await cluster.isClean()));
  await cluster.untilGone(POD, TIMEOUT_MS);
  await cluster.untilClean(TIMEOUT_MS);
  const { fired } = cluster.steps;
  cluster.steps.disarm();
  return fired;
}

/** Waits for the kill, or until all is done when none comes, and starts the agent again. */
async function killed(cluster: CrashCluster, isDone: () => Promise<boolean>): Promise<void> {
  while (cluster.steps.fired === undefined && !(await isDone())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  await cluster.revive();
}

async function isReadyIn(cluster: CrashCluster): Promise<boolean> {
  return (await cluster.pods()).some(isReady);
}

function notOnePod(state: HostState): unknown {
  const wrong = Object.entries(HELD_POD).filter(([kind, count]) => state[kind]?.length !== count);
  const shims = (state["processes"] ?? []).filter((line) => line.includes("containerd-shim"));
  const others = (state["processes"] ?? []).filter((line) => /runc/.test(line) && !line.includes("containerd-shim"));
  if (wrong.length === 0 && shims.length === 1 && others.length === 0) return undefined;
  return { ...Object.fromEntries(wrong.map(([kind]) => [kind, state[kind]])), shims, others };
}
