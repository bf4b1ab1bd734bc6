import { spawn } from "node:child_process";

import type { Clock } from "#lib/clock.ts";

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that ended badly, or not at all in its time. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  /** `undefined` when a signal ended it or it could not be started. */
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(command: string, exitCode: number | undefined, stderr: string, options?: ErrorOptions) {
    super(`${command} failed${exitCode === undefined ? "" : ` with code ${exitCode}`}: ${stderr.trim()}`, options);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

const DEFAULT_TIMEOUT_MS = 30_000;

export interface CommandOptions {
  readonly stdin?: string;
  readonly timeoutMs?: number;
  /** This process's environment when absent. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program without a shell.
 *
 * @throws {CommandError} when it cannot be started, fails, or runs over its time (then it is killed)
 */
export function runCommand(
  clock: Clock,
  file: string,
  args: readonly string[],
  { stdin = "", timeoutMs = DEFAULT_TIMEOUT_MS, env }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "pipe", ...(env !== undefined && { env }) });
    const timer = clock.after(timeoutMs, () => {
      child.kill("SIGKILL");
      for (const pipe of [child.stdout, child.stderr]) pipe.destroy(); // a child of its own may hold them for long
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on("error", () => {}); // one that does not read its input says why by its exit
    child.on("error", (cause) => {
      timer.cancel();
      reject(new CommandError(file, undefined, cause.message, { cause }));
    });
    child.on("close", (code) => {
      timer.cancel();
      const result = { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
      if (code === 0) resolve(result);
      else reject(new CommandError([file, ...args].join(" "), code ?? undefined, result.stderr));
    });
    child.stdin.end(stdin);
  });
}
