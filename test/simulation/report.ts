import type { Program } from "./program.ts";
import { type Shrunken, withOnly } from "./shrink.ts";
import type { Outcome } from "./simulation.ts";

const MAX_FAULTS = 5;
const MAX_CHARS = 1_000;

/** What went wrong with a seed, with the fewest steps that still do it, and how to see it again. */
export function report(program: Program, whole: Outcome, { only, outcome }: Shrunken): string {
  const { steps, isRemote, nodes } = withOnly(program, only);
  const place = isRemote ? "controllers and scheduler in a process of their own" : "all in one process";
  return [
    `seed ${program.seed}: ${place}, ${nodes} nodes; ${only.length} of ${program.steps.length} steps are enough`,
    ...steps.map(({ atMs, ...act }) => `  ${(atMs / 1000).toFixed(3).padStart(8)} s  ${JSON.stringify(act)}`),
    ...outcome.faults.slice(0, MAX_FAULTS).map((fault) => `  ✖ ${fault.slice(0, MAX_CHARS)}`),
    ...(outcome.faults[0] === whole.faults[0] ? [] : [`  with all steps: ${whole.faults[0]?.slice(0, MAX_CHARS)}`]),
    `again: ./skiff simulate --seed ${program.seed} --only ${only.join(",") || "none"} --trace`,
  ].join("\n");
}

/** The steps that `--only` names; all of them without it. */
export function stepsOf({ steps }: Program, only: string | undefined): readonly number[] {
  if (only === undefined) return steps.map((_, i) => i);
  return only === "none" ? [] : only.split(",").map(Number);
}
