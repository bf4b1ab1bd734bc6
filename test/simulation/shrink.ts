import type { Program } from "./program.ts";
import type { Outcome } from "./simulation.ts";

export interface Shrunken {
  /** Which steps of the program are left. */
  readonly only: readonly number[];
  readonly outcome: Outcome;
}

/** The program with some of its steps. */
export const withOnly = (program: Program, only: readonly number[]): Program => ({ ...program, steps: program.steps.filter((_, i) => only.includes(i)) });

/**
 * Leaves out steps, many at a time and then one by one, for as long as something still goes wrong.
 *
 * @param run plays a program
 * @param outcome what the whole program came to
 * @param mayGoOn asked before each attempt
 */
export async function shrink(program: Program, outcome: Outcome, run: (program: Program) => Promise<Outcome>, mayGoOn: () => boolean): Promise<Shrunken> {
  let best: Shrunken = { only: program.steps.map((_, i) => i), outcome };
  for (let size = Math.ceil(best.only.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.only.length && mayGoOn(); ) {
      const only = [...best.only.slice(0, at), ...best.only.slice(at + size)];
      const attempt = await run(withOnly(program, only));
      if (attempt.faults.length > 0) best = { only, outcome: attempt };
      else at += size;
    }
  }
  return best;
}
