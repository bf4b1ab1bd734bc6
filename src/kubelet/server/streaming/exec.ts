import { once } from "node:events";
import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";

import { GrpcError } from "#lib/grpc/grpc-error.ts";
import type { OciProcess, ProcessId, Tasks } from "#kubelet/cri/tasks.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import { type Rng, randomSuffix } from "#lib/rng.ts";
import { newestInTurn } from "#lib/newest-in-turn.ts";

import type { CommandStreams, Outcome, StreamOptions, TerminalSize } from "./command-streams.ts";
import { type FifoMaker, type FifoPaths, openReader, openWriter } from "./fifos.ts";

export interface ExecRequest extends StreamOptions {
  readonly containerId: string;
  readonly command: readonly string[];
}

export interface ExecDeps {
  readonly tasks: Tasks;
  readonly fifos: FifoMaker;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
}

const SIGKILL = 9;
const EXEC_ID_LENGTH = 20;
/** A client that tells no size by then is not going to. */
const FIRST_SIZE_WAIT_MS = 100;

/** Runs a command in a container with the client's streams, and tells the client how it ended. A client that goes away takes the command with it. */
export async function runExec(request: ExecRequest, streams: CommandStreams, deps: ExecDeps): Promise<void> {
  const id: ProcessId = { containerId: request.containerId, execId: `exec-${randomSuffix(deps.rng, EXEC_ID_LENGTH)}` };
  let outcome: Outcome;
  let execution: Execution | undefined;
  try {
    const container = await deps.tasks.processOf(request.containerId);
    execution = new Execution(id, await deps.fifos.take(), request, streams, deps);
    const size = request.tty ? await firstSize(streams, deps.clock) : undefined;
    outcome = { kind: "exited", exitCode: await execution.run(processWith(container, request, size)), command: request.command };
  } catch (error) {
    outcome = { kind: "failed", message: failureText(error, id) };
  }
  await Promise.all([streams.finish(outcome), execution?.clean()]);
}

class Execution {
  readonly #id: ProcessId;
  readonly #paths: FifoPaths;
  readonly #request: ExecRequest;
  readonly #streams: CommandStreams;
  readonly #deps: ExecDeps;
  readonly #stdin: Socket | undefined;
  readonly #stdout: Socket;
  readonly #stderr: Socket | undefined;
  #created = false;

  constructor(id: ProcessId, paths: FifoPaths, request: ExecRequest, streams: CommandStreams, deps: ExecDeps) {
    this.#id = id;
    this.#paths = paths;
    this.#request = request;
    this.#streams = streams;
    this.#deps = deps;
    this.#stdin = request.stdin ? openWriter(paths.stdin) : undefined;
    // containerd's shim wants both outputs, whether anybody reads them or not.
    this.#stdout = openReader(paths.stdout);
    this.#stderr = request.tty ? undefined : openReader(paths.stderr);
    for (const socket of [this.#stdin, this.#stdout, this.#stderr]) socket?.on("error", () => socket.destroy());
  }

  /** @returns the exit code, once all output has been given to the client */
  async run(process: OciProcess): Promise<number> {
    const { tasks } = this.#deps;
    const { stdin, stdout, stderr } = this.#paths;
    await tasks.exec(this.#id, process, { stdin: this.#stdin && stdin, stdout, stderr: this.#stderr && stderr });
    this.#created = true;
    const exit = tasks.wait(this.#id);
    exit.catch(() => {}); // seen below, unless the start fails first
    const outputs = [this.#deliver(this.#stdout, this.#streams.stdout), this.#deliver(this.#stderr, this.#streams.stderr)];
    await tasks.start(this.#id);
    const kill = () => void tasks.kill(this.#id, SIGKILL).catch(() => {}); // it may have ended by itself
    const { gone } = this.#streams;
    if (gone.aborted) kill();
    gone.addEventListener("abort", kill, { once: true });
    try {
      this.#connectInput();
      const exitCode = await exit;
      if (!this.#request.tty) this.#stdin?.destroy(); // a terminal: see connectInput()
      // Children of the command may hold its output; a client that waits, waits for them.
      await Promise.race([Promise.all(outputs), aborted(gone)]);
      if (exitCode === undefined) throw new Error("the process is gone");
      return exitCode;
    } finally {
      gone.removeEventListener("abort", kill);
    }
  }

  async clean(): Promise<void> {
    for (const socket of [this.#stdin, this.#stdout, this.#stderr]) socket?.destroy();
    if (this.#created) {
      await this.#deps.tasks.remove(this.#id).catch((error: unknown) => this.#deps.log.debug("process in container not removed", { error, ...this.#id }));
    }
    await rm(this.#paths.dir, { recursive: true, force: true });
  }

  async #deliver(from: Socket | undefined, to: CommandStreams["stdout"]): Promise<void> {
    if (from === undefined) return;
    if (to === undefined) {
      from.resume();
      await once(from, "close");
      return;
    }
    await pipeline(from, to).catch(() => {}); // broken by a client that is gone, or by clean()
  }

  #connectInput(): void {
    const { tasks } = this.#deps;
    const { stdin, onResize } = { stdin: this.#streams.stdin, onResize: this.#streams.onResize.bind(this.#streams) };
    // Calls at the same time may change places, and the terminal would keep an older size.
    if (this.#request.tty) onResize(newestInTurn((size) => tasks.resize(this.#id, size).catch(() => {}))); // it may have ended
    if (stdin === undefined || this.#stdin === undefined) return;
    // containerd's shim holds a writing end too, so that its input outlives a restart of ours; it is to let go.
    this.#stdin.once("close", () => void tasks.closeStdin(this.#id).catch(() => {}));
    // containerd's shim closes a whole terminal when its input ends, with what the program wrote and nobody has read yet.
    stdin.pipe(this.#stdin, { end: !this.#request.tty });
  }
}

/** The container's own process, with another command. */
function processWith(container: OciProcess, { command, tty }: ExecRequest, consoleSize: TerminalSize | undefined): OciProcess {
  const { env = [] } = container;
  const terminalEnv = tty ? [...env.filter((entry) => !entry.startsWith("TERM=")), "TERM=xterm"] : env;
  return { ...container, args: command, terminal: tty, env: terminalEnv, ...(consoleSize !== undefined && { consoleSize }) };
}

/** The size that a client tells right after it has connected: a program may look at its terminal before a later resize. */
async function firstSize(streams: CommandStreams, clock: Clock): Promise<TerminalSize | undefined> {
  const { promise, resolve } = Promise.withResolvers<TerminalSize | undefined>();
  const timer = clock.after(FIRST_SIZE_WAIT_MS, () => resolve(undefined));
  streams.onResize(resolve);
  const size = await promise;
  timer.cancel();
  return size;
}

function failureText(error: unknown, { execId }: ProcessId): string {
  const text = error instanceof GrpcError ? error.description : String((error as Error).message ?? error);
  return `error executing command in container: failed to exec in container: failed to start exec ${JSON.stringify(execId)}: ${text}`;
}

function aborted(signal: AbortSignal): Promise<unknown> {
  return signal.aborted ? Promise.resolve() : once(signal, "abort");
}
