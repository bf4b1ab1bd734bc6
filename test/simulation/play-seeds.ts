import assert from "node:assert/strict";

import { programOf } from "./program.ts";
import { report } from "./report.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";

const SHRINK_MS = 20_000;

/** Fails with the first seed that does, its program made as small as can be. */
export async function playSeeds(from: number, count: number): Promise<void> {
  for (let seed = from; seed < from + count; seed++) {
    const program = programOf(seed);
    const outcome = await simulate(program);
    if (outcome.faults.length === 0) continue;
    const untilMs = performance.now() + SHRINK_MS;
    const small = await shrink(program, outcome, simulate, () => performance.now() < untilMs);
    assert.fail(report(program, outcome, small));
  }
}
