import { stopCommands } from "./command.ts";
import { formatTable, type Row } from "./row.ts";

const undos: (() => unknown)[] = [];
let isEnding = false;

/**
 * Runs one program of `bench/`: rows go to stdout, as a table or with `--json` as one JSON array; what happens meanwhile
 * goes to stderr. What `atEnd()` was told is undone however the run ends. A run that found faults sets `process.exitCode`.
 */
export async function benchmark(run: () => Promise<readonly Row[]>): Promise<void> {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.on(signal, () => void end(code));
  let code = 0;
  try {
    const rows = await run();
    process.stdout.write(process.argv.includes("--json") ? `${JSON.stringify(rows)}\n` : formatTable(rows));
  } catch (error) {
    if (!isEnding) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    code = 1;
  }
  await end(code === 0 ? Number(process.exitCode ?? 0) : code);
}

/** Undone in reverse order. */
export function atEnd(undo: () => unknown): void {
  undos.push(undo);
}

export function progress(text: string): void {
  process.stderr.write(`  ${text}\n`);
}

/** An option of the program's command line: `--runs 5`. */
export function numberOption(name: string, fallback: number): number {
  const text = textOption(name);
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} wants a number above 0`);
  return value;
}

export function textOption(name: string): string | undefined {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? undefined : process.argv[index + 1];
}

/** A second signal does not hurry it: what is left behind would disturb the next run. */
async function end(code: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  await stopCommands();
  for (const undo of undos.reverse()) {
    try {
      await undo();
    } catch (error) {
      process.stderr.write(`cleaning up: ${String(error)}\n`);
    }
  }
  process.exit(code);
}
