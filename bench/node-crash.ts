/**
 * Kills agent, containerd and shim, alone and together, at every step of a pod's start and of its end and at random moments, and counts the kills after
 * which the pod did not come up or something of it was left on the machine.
 *
 *     node bench/node-crash.ts [--victims agent,containerd] [--every 1] [--random 40] [--seed 1] [--json]
 */
import { CrashCluster } from "#test/integration/crash/crash-cluster.ts";
import { seededRng } from "#lib/rng.ts";
import { countSteps, PHASES, playRound, type Round } from "#test/integration/crash/rounds.ts";
import type { Victim } from "#test/integration/crash/steps.ts";
import { atEnd, benchmark, numberOption, progress, textOption } from "./support/benchmark.ts";
import { median } from "./support/statistics.ts";

const TOGETHER: readonly (readonly Victim[])[] = [["agent"], ["containerd"], ["agent", "containerd"], ["shim"], ["agent", "containerd", "shim"]];

/** Longer than a start or an end takes on a machine with nothing else to do. */
const MAX_DELAY_MS = 1000;

let cluster: CrashCluster;
const tookMs: number[] = [];
const faults: string[] = [];

async function play(round: Round): Promise<void> {
  const startMs = performance.now();
  try {
    if ((await playRound(cluster, round)) !== undefined) tookMs.push(performance.now() - startMs);
  } catch (error) {
    faults.push(`${round.phase}, ${cluster.steps.fired ?? JSON.stringify(round.at)}, ${round.victims.join(" and ")}: ${String(error)}`);
    progress(faults.at(-1) as string);
    // What is left would be found again after the next kill.
    await cluster.close();
    cluster = await CrashCluster.start();
  }
}

await benchmark(async () => {
  const only = textOption("victims")?.split(",") as Victim[] | undefined;
  const every = numberOption("every", 1);
  const random = numberOption("random", 40);
  const rng = seededRng(numberOption("seed", 1));
  cluster = await CrashCluster.start();
  atEnd(() => cluster.close());
  const steps = await countSteps(cluster);
  for (const victims of only === undefined ? TOGETHER : [only]) {
    for (const phase of PHASES) {
      for (let step = 1; step <= steps[phase].length; step += every) {
        const isInShim = / runc /.test(steps[phase][step - 1] ?? "");
        if (isInShim || victims.some((victim) => victim !== "shim")) await play({ phase, at: { step }, victims });
      }
      for (let i = 0; i < random; i++) await play({ phase, at: { delayMs: Math.floor(rng() * MAX_DELAY_MS) }, victims });
      progress(`${phase}, ${victims.join(" and ")}: ${tookMs.length} kills so far, ${faults.length} faults`);
    }
  }
  if (faults.length > 0) process.exitCode = 1;
  return [
    {
      what: "kills within a pod's start or end: pods lost, or something left",
      value: faults.length,
      unit: "",
      note: `${tookMs.length} kills`,
      target: { must: 0, aim: 0 },
    },
    { what: "a pod's start and end with a kill in it", value: median(tookMs), unit: "ms" },
  ];
});
