import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";

import { type Clock, sleep } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import { processIds, processText } from "#lib/process-files.ts";

import type { ContainerdPaths } from "#kubelet/config.ts";
import { PacedRuntime } from "#kubelet/cri/paced-runtime.ts";
import type { CriRuntime } from "#kubelet/cri/runtime.ts";
import { StartSlots } from "#kubelet/cri/start-slots.ts";

export interface ContainerdDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: NodeJS.ProcessEnv;
  /** Called when none runs, before one is started. */
  readonly onDown?: () => void;
}

/** How long a fresh containerd may take until it answers. */
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 8;
/** A start waits now and then, so that one for each processor would leave it idle. */
const STARTS_PER_CPU = 3;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Makes sure that the private containerd runs with `config`: one that runs already with the same configuration is
 * adopted, so that a restart of the agent leaves pods alone; with another one it is restarted, which shims survive.
 *
 * @returns the CRI client, once the runtime answers
 */
export async function ensureContainerd(paths: ContainerdPaths, config: string, deps: ContainerdDeps): Promise<CriRuntime> {
  const runtime = new PacedRuntime(paths.socket, new StartSlots(STARTS_PER_CPU * availableParallelism(), deps.clock));
  const running = runningPid(paths);
  if (running !== undefined) goOn(running);
  const unchanged = readText(paths.configFile) === config;
  if (running !== undefined && unchanged && (await answers(runtime))) {
    deps.log.info("containerd adopted", { pid: running });
    return runtime;
  }
  if (running !== undefined) await stopContainerd(paths, deps);
  deps.onDown?.();
  launch(paths, config, deps);
  await untilAnswers(runtime, paths, deps);
  return runtime;
}

/** An agent that was killed while it put the log aside has left it standing still. */
function goOn(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // It has just ended.
  }
}

/** Stops the private containerd; containers and their shims run on. */
export async function stopContainerd(paths: ContainerdPaths, { clock, log }: Pick<ContainerdDeps, "clock" | "log">): Promise<void> {
  const pid = runningPid(paths);
  if (pid !== undefined) {
    process.kill(pid, "SIGTERM");
    const deadline = clock.monotonic() + STOP_TIMEOUT_MS;
    while (runningPid(paths) === pid && clock.monotonic() < deadline) await sleep(clock, POLL_MS);
    if (runningPid(paths) === pid) process.kill(pid, "SIGKILL");
    log.info("containerd stopped", { pid });
  }
  rmSync(pidFile(paths), { force: true });
}

/** The process id of the private containerd, if it runs. */
export function runningPid(paths: ContainerdPaths): number | undefined {
  const pid = Number(readText(pidFile(paths)) ?? "");
  if (isContainerd(pid, paths)) return pid;
  // The file may be lost, damaged, or that of an earlier one, when who started this one was killed before it wrote it; a
  // second containerd beside one that runs would wait for its database for ever.
  return processIds().find((candidate) => isContainerd(candidate, paths));
}

function isContainerd(pid: number, { binary, configFile }: ContainerdPaths): boolean {
  const words = processText(pid, "cmdline").split("\0");
  const zombie = /^State:\s+Z/m.test(processText(pid, "status"));
  return !zombie && words.includes(configFile) && words.some((word) => word.endsWith(binary));
}

function launch(paths: ContainerdPaths, config: string, { env, log }: ContainerdDeps): void {
  for (const dir of [paths.root, paths.state, paths.certsDir, dirname(paths.socket), dirname(paths.configFile), dirname(paths.logFile)]) {
    mkdirSync(dir, { recursive: true, mode: 0o711 });
  }
  rmSync(paths.socket, { force: true });
  writeFileSync(paths.configFile, config);
  const output = openSync(paths.logFile, "a");
  try {
    const [file = "", ...words] = [...(paths.starter ?? []), paths.binary, "--config", paths.configFile];
    const child = spawn(file, words, { detached: true, stdio: ["ignore", output, output], env });
    child.on("error", (error) => log.error("containerd cannot be started", { error }));
    child.unref();
    if (child.pid !== undefined) writeFileSync(pidFile(paths), String(child.pid));
  } finally {
    closeSync(output);
  }
}

async function untilAnswers(runtime: CriRuntime, paths: ContainerdPaths, { clock }: ContainerdDeps): Promise<void> {
  const deadline = clock.monotonic() + START_TIMEOUT_MS;
  while (!(await answers(runtime))) {
    if (runningPid(paths) === undefined) throw new Error(`containerd exited while starting, see ${paths.logFile}`);
    if (clock.monotonic() > deadline) throw new Error(`containerd does not answer, see ${paths.logFile}`);
    await sleep(clock, POLL_MS);
  }
}

async function answers(runtime: CriRuntime): Promise<boolean> {
  try {
    await runtime.version();
    return true;
  } catch {
    return false;
  }
}

const pidFile = (paths: ContainerdPaths): string => `${paths.configFile}.pid`;

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
