/**
 * A cluster that is kept busy: rolling updates, scaling, namespaces that come and go, commands and logs, services, pods that
 * crash; and restarts of server, agent and containerd, in the first half. At the end, when all pods are gone, it must hold
 * no more of the machine than at the start, and its processes must not have grown over the second half.
 *
 *     node bench/soak.ts [--minutes 20] [--json]
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { PODS } from "#api/builtin.ts";
import { isNodeReady } from "#cli/readiness.ts";
import type { Role } from "#cli/processes.ts";
import { atEnd, benchmark, numberOption, progress } from "./support/benchmark.ts";
import { BenchCluster, IMAGE } from "./support/cluster.ts";
import { eventually } from "./support/command.ts";
import { footprint, HELD, holdingsOf, type Holdings } from "./support/holdings.ts";
import { pidOf } from "./support/processes.ts";
import type { Row } from "./support/row.ts";
import { clearAway, keepBusy } from "./support/soak-load.ts";
import { median } from "./support/statistics.ts";

const ROLES = ["server", "agent", "containerd"] as const satisfies readonly Role[];
const READY_MS = 60_000;
/** What pods have had is taken back within this time; the slowest are the runtime's own collections. */
const SETTLE_MS = 90_000;
const SAMPLES = 20;
/** Memory may differ by so much between the third and the last quarter. */
const SLACK = { share: 1.1, mb: 6 };
/** Connections that are kept for a while. */
const SPARE_HANDLES = 4;

interface Sample {
  readonly atMs: number;
  readonly rssMb: Readonly<Record<(typeof ROLES)[number], number>>;
  readonly handles: Readonly<Record<(typeof ROLES)[number], number>>;
}

await benchmark(async () => {
  const cluster = await BenchCluster.prepare();
  await cluster.up();
  await cluster.loadImage();
  await firstPod(cluster);
  const before = await settled(cluster, undefined);
  const durationMs = numberOption("minutes", 20) * 60_000;
  const beginMs = performance.now();
  const elapsed = () => performance.now() - beginMs;
  const counts = new Map<string, { done: number; failed: number }>();
  const done = (what: string, failed = false) => {
    const { done: good, failed: bad } = counts.get(what) ?? { done: 0, failed: 0 };
    counts.set(what, { done: good + (failed ? 0 : 1), failed: bad + (failed ? 1 : 0) });
  };
  const load = { client: cluster.client(), kubeconfig: join(cluster.folder, "kubeconfig"), done, isOver: () => elapsed() >= durationMs };
  const samples: Sample[] = [];
  await Promise.all([keepBusy(load), restarts(cluster, durationMs, elapsed, done), sample(cluster, durationMs, elapsed, samples)]);
  await clearAway(load);
  const after = await settled(cluster, before);
  const idle = [...counts].filter(([, { done: good }]) => good === 0).map(([what]) => `${what}: never once done`);
  const faults = [...idle, ...grownHoldings(before, after), ...grownProcesses(samples, durationMs, before, after)];
  for (const [what, { done: good, failed }] of counts) progress(`${what}: ${good} done, ${failed} failed`);
  progress(table(before, after));
  if (faults.length > 0) throw new Error(`something leaks, or was not done:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
  return rows(samples, durationMs, before, after);
});

interface State {
  readonly held: Holdings;
  readonly handles: Sample["handles"];
  readonly rssMb: Sample["rssMb"];
}

/** Whatever is made once and for all is there when the first pod has come and gone. */
async function firstPod(cluster: BenchCluster): Promise<void> {
  const client = cluster.client();
  const spec = { terminationGracePeriodSeconds: 1, containers: [{ name: "main", image: IMAGE, command: ["/bin/sleep", "1000"] }] };
  await eventually(
    "the service account",
    READY_MS,
    () => client.create(PODS, { metadata: { namespace: "default", name: "first" }, spec } as never).catch(() => undefined),
    100,
  );
  await eventually(
    "the first pod runs",
    READY_MS,
    async () => (await client.get(PODS, { namespace: "default", name: "first" })).status.phase === "Running" || undefined,
    50,
  );
  await clearAway({ client });
}

/** Looks until the state does not change any more, and no more is held than was `before`; gives up after a while. */
async function settled(cluster: BenchCluster, before: State | undefined): Promise<State> {
  const endMs = performance.now() + SETTLE_MS;
  for (let last = ""; ; ) {
    const state = await look(cluster);
    const text = JSON.stringify(state.held);
    const isBack = before === undefined ? text === last : grownHoldings(before, state).length === 0;
    if (isBack || performance.now() > endMs) return state;
    last = text;
    await pause(3000);
  }
}

async function look({ dataDir, paths, podNetwork }: BenchCluster): Promise<State> {
  return { held: await holdingsOf(paths, podNetwork), ...footprints(dataDir) };
}

function footprints(dataDir: string): Pick<Sample, "rssMb" | "handles"> {
  const of = Object.fromEntries(ROLES.map((role) => [role, footprint(pidOf(dataDir, role))])) as Record<(typeof ROLES)[number], ReturnType<typeof footprint>>;
  const each = (pick: (role: (typeof ROLES)[number]) => number) => ({ server: pick("server"), agent: pick("agent"), containerd: pick("containerd") });
  return { rssMb: each((role) => of[role].rssMb), handles: each((role) => of[role].handles) };
}

/** In turn, by SIGTERM and by SIGKILL; never in the second half, so that growth is seen. */
async function restarts(cluster: BenchCluster, durationMs: number, elapsed: () => number, done: (what: string) => void): Promise<void> {
  const turns = ROLES.flatMap((role) => (["SIGTERM", "SIGKILL"] as const).map((signal) => ({ role, signal })));
  const api = cluster.caller();
  atEnd(() => api.close());
  for (const [turn, { role, signal }] of turns.entries()) {
    const dueMs = ((turn + 1) * durationMs) / 2 / (turns.length + 1);
    await pause(Math.max(0, dueMs - elapsed()));
    const old = pidOf(cluster.dataDir, role);
    const sinceMs = Date.now();
    process.kill(old, signal);
    await eventually(`another ${role}`, READY_MS, () => pidNow(cluster.dataDir, role) !== old || undefined, 100);
    await eventually(
      "the node is Ready",
      READY_MS,
      async () => (await isNodeReady(api, cluster.nodeName, role === "agent" ? sinceMs : 0).catch(() => false)) || undefined,
      100,
    );
    done(`restarts of the ${role}`);
  }
}

function pidNow(dataDir: string, role: Role): number | undefined {
  try {
    return pidOf(dataDir, role);
  } catch {
    return undefined;
  }
}

async function sample({ dataDir }: BenchCluster, durationMs: number, elapsed: () => number, samples: Sample[]): Promise<void> {
  const periodMs = durationMs / Math.max(SAMPLES, Math.floor(durationMs / 60_000));
  for (let dueMs = periodMs; dueMs <= durationMs; dueMs += periodMs) {
    await pause(Math.max(0, dueMs - elapsed()));
    try {
      const one = { atMs: elapsed(), ...footprints(dataDir) };
      samples.push(one);
      const text = ROLES.map((role) => `${role} ${one.rssMb[role].toFixed(0)} MB, ${one.handles[role]} handles`).join("; ");
      progress(`${(one.atMs / 60_000).toFixed(1)} min: ${text}`);
    } catch {
      // one of them is being restarted
    }
  }
}

function grownHoldings(before: State, after: State): string[] {
  return HELD.filter((what) => after.held[what] > before.held[what]).map((what) => `${what}: ${before.held[what]} → ${after.held[what]}`);
}

function grownProcesses(samples: readonly Sample[], durationMs: number, before: State, after: State): string[] {
  return ROLES.flatMap((role) => {
    const [third, last] = quarters(samples, durationMs, role);
    // Without samples these are no numbers, which is no good end either.
    const memory = !(last <= third * SLACK.share + SLACK.mb) ? [`memory of the ${role}: ${third.toFixed(0)} → ${last.toFixed(0)} MB`] : [];
    const handles =
      after.handles[role] > before.handles[role] + SPARE_HANDLES ? [`handles of the ${role}: ${before.handles[role]} → ${after.handles[role]}`] : [];
    return [...memory, ...handles];
  });
}

/** Medians of the third and the last quarter. */
function quarters(samples: readonly Sample[], durationMs: number, role: (typeof ROLES)[number]): [number, number] {
  const between = (from: number, to: number) =>
    median(samples.filter(({ atMs }) => atMs > from * durationMs && atMs <= to * durationMs + 1000).map(({ rssMb }) => rssMb[role]));
  return [between(0.5, 0.75), between(0.75, 1)];
}

function table(before: State, after: State): string {
  const line = (what: string, was: number, is: number) => `${what.padEnd(24)} ${was.toFixed(0).padStart(8)} ${is.toFixed(0).padStart(8)}`;
  const held = HELD.map((what) => line(what, before.held[what], after.held[what]));
  const own = ROLES.flatMap((role) => [
    line(`${role}: MB`, before.rssMb[role], after.rssMb[role]),
    line(`${role}: handles`, before.handles[role], after.handles[role]),
  ]);
  return ["".padEnd(24) + "   before    after", ...held, ...own].join("\n  ");
}

function rows(samples: readonly Sample[], durationMs: number, before: State, after: State): Row[] {
  return ROLES.map((role) => {
    const [third, last] = quarters(samples, durationMs, role);
    const note = `third quarter ${third.toFixed(0)}, idle ${before.rssMb[role].toFixed(0)} → ${after.rssMb[role].toFixed(0)}`;
    return { what: `soak of ${(durationMs / 60_000).toFixed(0)} min: ${role}, last quarter`, value: last, unit: "MB", note };
  });
}
