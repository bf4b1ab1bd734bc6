/**
 * Kills agent, containerd and shim, alone and together, at every step of a pod's start and of its end, and counts the kills after
 * which the pod did not come up or something of it was left on the machine.
 *
 *     node bench/node-crash.ts [--victims agent,containerd] [--every 1] [--json]
 */
import { CrashCluster } from "#test/integration/crash/crash-cluster.ts";
import { countSteps, PHASES, playRound } from "#test/integration/crash/rounds.ts";
import type { Victim } from "#test/integration/crash/steps.ts";
import { atEnd, benchmark, numberOption, progress, textOption } from "./support/benchmark.ts";
import { median } from "./support/statistics.ts";

const TOGETHER: readonly (readonly Victim[])[] = [["agent"], ["containerd"], ["agent", "containerd"], ["shim"], ["agent", "containerd", "shim"]];

await benchmark(async () => {
  const only = textOption("victims")?.split(",") as Victim[] | undefined;
  const every = numberOption("every", 1);
  let cluster = await CrashCluster.start();
  atEnd(() => cluster.close());
  const steps = await countSteps(cluster);
  const tookMs: number[] = [];
  const faults: string[] = [];
  for (const victims of only === undefined ? TOGETHER : [only]) {
    for (const phase of PHASES) {
      for (let step = 1; step <= steps[phase].length; step += every) {
        const startMs = performance.now();
        try {
          if ((await playRound(cluster, { phase, step, victims })) !== undefined) tookMs.push(performance.now() - startMs);
        } catch (error) {
          faults.push(`${phase}, ${cluster.steps.fired ?? `step ${step}`}, ${victims.join(" and ")}: ${String(error)}`);
          progress(faults.at(-1) as string);
          // What is left would be found again after the next kill.
          await cluster.close();
          cluster = await CrashCluster.start();
        }
      }
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
