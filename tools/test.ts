/**
 * `./skiff test [PART…]`: runs the parts, all by default, and goes on after a failure. The last line, and the only one
 * on stdout, is `N passed, N failed, N skipped`: a check counts as one, a test run as the tests it holds.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { globSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensureDescriptions } from "./bundle.ts";
import { COUNTS_MARK, type Counts } from "./test-reporter.ts";
import { parsedOr, refuse } from "./usage.ts";

const root = new URL("..", import.meta.url).pathname;

interface Part {
  readonly name: string;
  /** A program whose exit code counts as one test. */
  readonly check?: readonly string[];
  /** Files of tests. */
  readonly tests?: readonly string[];
  /** Of those, files of another part. */
  readonly except?: readonly string[];
  readonly concurrency?: number;
  readonly limitMs: number;
}

const node = process.execPath;
const bin = (name: string) => `${root}node_modules/.bin/${name}`;

/** Tests beside the source that run real containers; they measure moments, and so get the machine for themselves. */
const REAL = "src/**/*.integration.test.ts";
/** A test that hangs fails by itself, and the others still tell, if its part has more time than it. */
const TEST_LIMIT_MS = 300_000;
const REST_MS = 20_000;
/** Parts that have not begun then are left out. */
let interrupted: NodeJS.Signals | undefined;
/** What runs now. */
let running: ChildProcess | undefined;

/** In this order: what is quick comes first. Together the limits stay below what a whole run may take. */
const PARTS: readonly Part[] = [
  { name: "types", check: [bin("tsc"), "--noEmit", "-p", root], limitMs: 120_000 },
  { name: "layers", check: [node, "tools/layers.ts"], limitMs: 20_000 },
  { name: "tidy", check: [node, "tools/tidy.ts"], limitMs: 20_000 },
  { name: "lint", check: [bin("oxlint"), "--type-aware", "--deny-warnings"], limitMs: 120_000 },
  { name: "format", check: [bin("biome"), "format", "."], limitMs: 40_000 },
  {
    name: "unit",
    tests: ["src/**/*.test.ts", "tools/**/*.test.ts", "bin/**/*.test.ts", "bench/**/*.test.ts"],
    except: [REAL],
    concurrency: 2,
    limitMs: 420_000,
  },
  { name: "contract", tests: ["test/contract/**/*.test.ts"], concurrency: 2, limitMs: 240_000 },
  { name: "node", tests: ["test/integration/**/*.test.ts"], concurrency: 2, limitMs: 420_000 },
  { name: "simulation", tests: ["test/simulation/**/*.test.ts"], concurrency: 2, limitMs: 400_000 },
  { name: "crash", tests: ["test/crash/**/*.test.ts"], concurrency: 1, limitMs: 300_000 },
  { name: "etcd", tests: ["test/etcd/**/*.test.ts"], concurrency: 2, limitMs: 240_000 },
  { name: "integration", tests: [REAL], concurrency: 1, limitMs: 120_000 },
  { name: "golden", tests: ["test/golden*/**/*.test.ts"], concurrency: 1, limitMs: 400_000 },
  { name: "conformance", tests: ["test/conformance/**/*.test.ts", "test/upstream/*.test.ts"], concurrency: 1, limitMs: 900_000 },
  { name: "e2e", tests: ["test/e2e/**/*.test.ts"], concurrency: 1, limitMs: 600_000 },
  { name: "rough", tests: ["test/rough/**/*.test.ts"], concurrency: 1, limitMs: 400_000 },
];

async function main(): Promise<void> {
  const { positionals } = parsedOr(() => parseArgs({ allowPositionals: true }), "./skiff test unit");
  const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) refuse(`there is no part ${unknown.join(", ")}`, `parts are ${PARTS.map(({ name }) => name).join(", ")}`, "./skiff test unit");
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      interrupted = signal;
      if (running !== undefined) endGroup(running);
    });
  }
  ensureDescriptions();
  const wanted = PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const results: Counts[] = [];
  for (const part of wanted) if (interrupted === undefined) results.push(await runPart(part));
  const sum = (pick: (counts: Counts) => number) => results.reduce((total, counts) => total + pick(counts), 0);
  const failed = sum((counts) => counts.failed);
  process.stdout.write(`${sum((counts) => counts.passed)} passed, ${failed} failed, ${sum((counts) => counts.skipped)} skipped\n`);
  process.exitCode = interrupted === "SIGINT" ? 130 : interrupted === "SIGTERM" ? 143 : failed > 0 ? 1 : 0;
}

async function runPart(part: Part): Promise<Counts> {
  const startMs = performance.now();
  const files = (part.tests ?? []).flatMap((pattern) => globSync(pattern, { cwd: root, exclude: part.except ?? [] })).sort();
  const counts = part.check === undefined ? await runTests(part, files) : await runCheck(part, part.check);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const mark = counts.failed > 0 ? "✖" : "✓";
  process.stderr.write(
    `${mark} ${part.name.padEnd(12)}${seconds.padStart(7)} s   ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
  );
  return counts;
}

async function runCheck({ limitMs }: Part, command: readonly string[]): Promise<Counts> {
  const { code, output } = await run(command, limitMs);
  if (code !== 0) process.stderr.write(output);
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

async function runTests({ concurrency = 1, limitMs }: Part, files: readonly string[]): Promise<Counts> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const reporter = new URL("./test-reporter.ts", import.meta.url).href;
  const flags = [
    "--test",
    `--test-timeout=${Math.min(TEST_LIMIT_MS, limitMs - REST_MS)}`,
    `--test-concurrency=${concurrency}`,
    `--test-reporter=${reporter}`,
    "--test-reporter-destination=stdout",
  ];
  const { code, output } = await run([node, ...flags, ...files], limitMs);
  const lines = output.split("\n");
  process.stderr.write(lines.filter((line) => !line.startsWith(COUNTS_MARK)).join("\n"));
  return finalCounts(lines, code);
}

/** A run that ended without counts, or badly without a failure, counts as one failure. */
export function finalCounts(lines: readonly string[], code: number | null): Counts {
  const line = lines.findLast((candidate) => candidate.startsWith(COUNTS_MARK));
  const counts = line === undefined ? { passed: 0, failed: 0, skipped: 0 } : (JSON.parse(line.slice(COUNTS_MARK.length)) as Counts);
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** Runs a program in a group of its own, which goes as a whole when its time is over or we are told to stop. */
function run(command: readonly string[], limitMs: number): Promise<{ readonly code: number | null; readonly output: string }> {
  const [file = "", ...words] = command;
  return new Promise((resolve) => {
    const child = spawn(file, words, { cwd: root, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    running = child;
    const timer = setTimeout(() => {
      chunks.push(Buffer.from(`✖ not done within ${limitMs / 1000} s\n`));
      endGroup(child);
    }, limitMs);
    child.once("error", (error) => chunks.push(Buffer.from(`${error.message}\n`)));
    child.once("close", (code) => {
      clearTimeout(timer);
      running = undefined;
      resolve({ code, output: Buffer.concat(chunks).toString() });
    });
  });
}

/** Asks first, so that test files can clean up. */
function endGroup(child: ChildProcess): void {
  const signal = (name: "SIGTERM" | "SIGKILL") => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The group has gone by itself.
    }
  };
  signal("SIGTERM");
  setTimeout(() => signal("SIGKILL"), 5000).unref();
}

if (import.meta.main) await main();
