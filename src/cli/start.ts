import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { sleep } from "#lib/clock.ts";
import type { Context } from "./context.ts";
import { type ErrorId, ERRORS } from "./error-table.ts";
import { SkiffError } from "./errors.ts";
import { requireRoom } from "./disk.ts";
import { pathsOf } from "./paths.ts";
import { CLUSTER_VARIABLE, clusterProcesses, endAll, isAlive, type ProcessInfo, processInfo, signalAll } from "./processes.ts";
import type { SettingTexts } from "./settings.ts";
import { stopPrograms, supervises } from "./stop.ts";
import { hasSystemd, type Program, startUnit } from "./systemd.ts";

const POLL_MS = 15;
const UNIT_WAIT_MS = 5000;
const ORPHAN_GRACE_MS = 5000;

/** The supervisor that keeps this program running. */
export function supervisorOf(processes: readonly ProcessInfo[], program: Program): ProcessInfo | undefined {
  return processes.find((info) => supervises(info, program));
}

/** A program that is on its way. */
export interface Launched {
  readonly program: Program;
  readonly supervisor: ProcessInfo;
  /** Whether it was there already. */
  readonly found: boolean;
  /** How long the log was before. */
  readonly logBytes: number;
}

/**
 * Starts a program under a supervisor, unless one is there; one that pauses before it tries again tries now. A program
 * that lost its supervisor is ended first.
 *
 * @param running the cluster's processes
 */
export async function startProgram(program: Program, running: readonly ProcessInfo[], texts: SettingTexts, context: Context): Promise<Launched> {
  const supervisor = supervisorOf(running, program);
  const logBytes = statSync(logFile(context.settings.dataDir, program), { throwIfNoEntry: false })?.size ?? 0;
  if (supervisor !== undefined) {
    const pauses = running.filter(({ parent, command: [file = ""] }) => parent === supervisor.pid && basename(file) === "sleep");
    signalAll(pauses, "SIGTERM");
    return { program, supervisor, found: true, logBytes };
  }
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
  return { program, supervisor: info, found: false, logBytes };
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
 * Asks `check` until it says yes. A program that refuses its settings, or the machine as it is, is tried again for ever by
 * its supervisor, as nobody looks when a machine starts; here somebody looks, so one that was just started is stopped.
 *
 * @throws {SkiffError} the program's own error when it refuses; SKF-1501 with the log's last error, when time is over or
 * the supervisor is gone
 */
export async function waitFor(what: string, launched: Launched, timeoutMs: number, context: Context, check: () => Promise<boolean>) {
  const { program, supervisor, found } = launched;
  const { clock, settings } = context;
  const endMs = clock.monotonic() + timeoutMs;
  const log = new LogTail(logFile(settings.dataDir, program), launched.logBytes);
  while (!(await check())) {
    const refusal = refusalIn(log.read());
    if (refusal !== undefined && !found) await stopPrograms(settings.dataDir, clock, [program]);
    const ended = refusal !== undefined || !isAlive(supervisor);
    if (ended || clock.monotonic() >= endMs) {
      requireRoom(settings.dataDir); // a full disk keeps the log from saying so
      const told = refusal ?? log.read();
      const known = ended ? lastKnownError(told) : undefined;
      if (known !== undefined) throw known;
      const reason = lastError(told);
      const message = ended ? `the ${program} ended before ${what}` : `${what}: not within ${timeoutMs / 1000} s`;
      throw new SkiffError("SKF-1501", message, { ...(reason !== undefined && { reason }), remedy: `./skiff logs ${program}` });
    }
    await sleep(clock, POLL_MS);
  }
}

/** What a log has said since it had a certain length. */
class LogTail {
  readonly #file: string;
  readonly #start: number;
  #size = -1;
  #text = "";

  constructor(file: string, start: number) {
    this.#file = file;
    this.#start = start;
  }

  read(): string {
    const size = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
    if (size === this.#size) return this.#text;
    this.#size = size;
    const bytes = readFileSync(this.#file);
    // One that is shorter was put aside, and begun anew.
    this.#text = bytes.toString("utf8", bytes.length >= this.#start ? this.#start : 0);
    return this.#text;
  }
}

/** By the supervisor, of a program that ended as wrong settings, a wrong clock or a taken port make it. */
const REFUSED = /^\{.*"msg":"process ended",.*"code":(2|1[0-7])\}$/m;

/** What a program has said up to its first refusal. */
export function refusalIn(log: string): string | undefined {
  const found = REFUSED.exec(log);
  return found === null ? undefined : log.slice(0, found.index);
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
