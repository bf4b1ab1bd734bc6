import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "#lib/clock.ts";
import { readIfThere } from "#lib/whole-file.ts";
import type { Context } from "./context.ts";
import { type ErrorId, ERRORS } from "./error-table.ts";
import { SkiffError } from "./errors.ts";
import { requireRoom } from "./disk.ts";
import { pathsOf } from "./paths.ts";
import { CLUSTER_VARIABLE, clusterProcesses, endAll, isAlive, type ProcessInfo, processInfo } from "./processes.ts";
import type { SettingTexts } from "./settings.ts";
import { hasSystemd, startUnit } from "./systemd.ts";

export type Program = "server" | "agent";

const POLL_MS = 15;
const UNIT_WAIT_MS = 5000;
const ORPHAN_GRACE_MS = 5000;

/** The supervisor that keeps this program running; settings, which may have its name for a value, come after the program. */
export function supervisorOf(processes: readonly ProcessInfo[], program: Program): ProcessInfo | undefined {
  return processes.find(({ role, command }) => role === "supervisor" && command.find((word) => word === "server" || word === "agent") === program);
}

/**
 * Starts a program under a supervisor, unless one is there. One that lost its supervisor is ended first.
 *
 * @param running the cluster's processes
 * @returns the supervisor
 */
export async function startProgram(program: Program, running: readonly ProcessInfo[], texts: SettingTexts, context: Context): Promise<ProcessInfo> {
  const supervisor = supervisorOf(running, program);
  if (supervisor !== undefined) return supervisor;
  await endAll(
    running.filter(({ role }) => role === program),
    ORPHAN_GRACE_MS,
    context.clock,
  );
  const { settings, self, supervisor: script } = context;
  mkdirSync(pathsOf(settings.dataDir).logsDir, { recursive: true, mode: 0o755 });
  const flags = Object.entries(texts).flatMap(([flag, text]) => (text === undefined ? [] : [`--${flag}`, text]));
  const command = ["/bin/sh", script, logFile(settings.dataDir, program), ...self, program, ...flags] as const;
  const info = hasSystemd() ? await startedByUnit(program, command, context) : spawnDetached(program, command, context);
  if (info === undefined) throw new SkiffError("SKF-0101", `the ${program} could not be started`);
  return info;
}

type Command = readonly [string, ...string[]];

function spawnDetached(program: Program, [file, ...words]: Command, { settings, env }: Context): ProcessInfo | undefined {
  const log = openSync(logFile(settings.dataDir, program), "a");
  const child = spawn(file, words, { cwd: "/", detached: true, env: { ...env, [CLUSTER_VARIABLE]: settings.dataDir }, stdio: ["ignore", log, log] });
  closeSync(log);
  child.unref();
  return child.pid === undefined ? undefined : processInfo(child.pid);
}

/** systemd tells of a start when it is asked for, which is before the process is there. */
async function startedByUnit(program: Program, command: Command, { settings: { dataDir }, env, clock }: Context): Promise<ProcessInfo | undefined> {
  startUnit({ program, dataDir, command, env: { ...env, [CLUSTER_VARIABLE]: dataDir }, log: logFile(dataDir, program) });
  for (const endMs = clock.monotonic() + UNIT_WAIT_MS; clock.monotonic() < endMs; await sleep(clock, POLL_MS)) {
    const supervisor = supervisorOf(clusterProcesses(dataDir), program);
    if (supervisor !== undefined) return supervisor;
  }
  return undefined;
}

/**
 * Asks `check` until it says yes.
 *
 * @throws {SkiffError} SKF-1501 with the log's last error, when time is over or the supervisor gave up
 */
export async function waitFor(what: string, program: Program, supervisor: ProcessInfo, timeoutMs: number, context: Context, check: () => Promise<boolean>) {
  const endMs = context.clock.monotonic() + timeoutMs;
  while (!(await check())) {
    const gaveUp = !isAlive(supervisor);
    if (gaveUp || context.clock.monotonic() >= endMs) {
      requireRoom(context.settings.dataDir); // a full disk keeps the log from saying so
      const log = readIfThere(logFile(context.settings.dataDir, program)) ?? "";
      const known = gaveUp ? lastKnownError(log) : undefined;
      if (known !== undefined) throw known;
      const reason = lastError(log);
      const message = gaveUp ? `the ${program} ended before ${what}` : `${what}: not within ${timeoutMs / 1000} s`;
      throw new SkiffError("SKF-1501", message, { ...(reason !== undefined && { reason }), remedy: `./skiff logs ${program}` });
    }
    await sleep(context.clock, POLL_MS);
  }
}

export function logFile(dataDir: string, program: string): string {
  return join(pathsOf(dataDir).logsDir, `${program}.log`);
}

/** The error with an id by which a program that was given up has ended: it says more than that the program has ended. */
export function lastKnownError(log: string): SkiffError | undefined {
  const [, id = "", message = "", rest = ""] = /[^]*^error\[(SKF-\d{4})\]: (.*)\n([^]*)$/m.exec(log) ?? [];
  if (!(id in ERRORS) || /"msg":"\w+ (starts|stopped)"/.test(rest)) return undefined;
  const line = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(rest)?.[1];
  const [reason, remedy] = [line("cause"), line("try")];
  return new SkiffError(id as ErrorId, message, { ...(reason !== undefined && { reason }), ...(remedy !== undefined && { remedy }) });
}

/** The last line of a log that is an error, or that is not one of our JSON lines (a crash's message). */
function lastError(log: string): string | undefined {
  const lines = log.trimEnd().split("\n").slice(-200).reverse();
  const isTold = (text: string) => text.startsWith("error[SKF-") || (text.includes('"level":"error"') && !text.includes('"msg":"process ended"'));
  const line = lines.find(isTold) ?? lines.find((text) => /Error\b/.test(text));
  return line?.slice(0, 400);
}
