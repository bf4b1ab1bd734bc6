/**
 * `./skiff simulate [--seeds N] [--from SEED] [--seed S [--only STEPS] [--trace]]`: plays programs of user actions and faults against the whole
 * control plane, and says what did not go as it must, with a program as small as can be. The last line is `N seeds, N failed`.
 */
import { parseArgs } from "node:util";

import { type Program, programOf } from "../test/simulation/program.ts";
import { report, stepsOf } from "../test/simulation/report.ts";
import { shrink, withOnly } from "../test/simulation/shrink.ts";
import { type Outcome, simulate } from "../test/simulation/simulation.ts";
import { parsedOr, refuse } from "./usage.ts";

const SHRINK_MS = 60_000;
const MAX_FAILURES = 20;
const PROGRESS_EVERY = 100;

const parse = () =>
  parseArgs({
    options: {
      seeds: { type: "string", default: "200" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      only: { type: "string" },
      trace: { type: "boolean", default: false },
    },
  });
const { values } = parsedOr(parse, "./skiff simulate --help");

const whole = (name: "seeds" | "from" | "seed"): number => {
  const value = Number(values[name]);
  return Number.isSafeInteger(value)
    ? value
    : refuse(`--${name} takes a whole number`, `${JSON.stringify(values[name])} is none`, `./skiff simulate --${name} 1`);
};

const isOne = values.seed !== undefined;
const from = whole(isOne ? "seed" : "from");
const count = isOne ? 1 : whole("seeds");
const startMs = performance.now();
const cpuUs = process.cpuUsage();
let played = 0;
let failed = 0;

for (let seed = from; seed < from + count && failed < MAX_FAILURES; seed++) {
  const program = programOf(seed);
  const outcome = await simulate(withOnly(program, stepsOf(program, values.only)));
  played++;
  if (values.trace) process.stdout.write(`${outcome.trace.join("\n")}\n`);
  if (outcome.faults.length > 0) {
    failed++;
    process.stdout.write(`${await explained(program, outcome)}\n`);
  }
  if (played % PROGRESS_EVERY === 0) process.stderr.write(`${played} of ${count} seeds, ${failed} failed, ${rate()}\n`);
}
process.stderr.write(`${rate()}\n`);
process.stdout.write(`${played} seeds, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

async function explained(program: Program, outcome: Outcome): Promise<string> {
  if (values.only !== undefined) return report(program, outcome, { only: stepsOf(program, values.only), outcome });
  const untilMs = performance.now() + SHRINK_MS;
  const small = await shrink(program, outcome, simulate, () => performance.now() < untilMs);
  return report(program, outcome, small);
}

function rate(): string {
  const { user, system } = process.cpuUsage(cpuUs);
  const seconds = (performance.now() - startMs) / 1000;
  return `${(played / seconds).toFixed(1)} seeds/s, ${((user + system) / 1000 / Math.max(1, played)).toFixed(0)} ms of CPU each`;
}
