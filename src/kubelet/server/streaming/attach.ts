import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

import type { Runtime } from "#kubelet/cri/runtime.ts";
import { SpdyConnection, type SpdyStream } from "#lib/spdy/connection.ts";

import type { CommandStreams, Outcome, StreamOptions } from "./command-streams.ts";
import { dialRuntime } from "./runtime-stream.ts";

export interface AttachRequest extends StreamOptions {
  readonly containerId: string;
  /** The container's input ends with the first client's; otherwise a client that ends its input only leaves. */
  readonly stdinOnce: boolean;
}

const PROTOCOL = "v4.channel.k8s.io";

/**
 * Joins a client with a container's main process, through the runtime, which holds its streams.
 *
 * SPDY, as containerd 1.6 can close an input alone only there; over its WebSocket, a client without an input closes the container's.
 * Input and outputs go over connections of their own: on one, containerd takes all outputs away as soon as the first of them ends or the
 * input does, with what the container wrote and it has not copied yet, and it takes input before it is ready to copy. A terminal, which
 * has one output and ends as a whole, has one connection.
 */
export async function runAttach(
  { containerId, stdinOnce, ...options }: AttachRequest,
  streams: CommandStreams,
  { runtime }: { readonly runtime: Runtime },
): Promise<void> {
  const connections: RuntimeAttach[] = [];
  const leave = () => void connections.splice(0).forEach(({ close }) => close());
  const open = async (part: StreamOptions) => {
    const opened = await RuntimeAttach.open(runtime, containerId, part);
    connections.push(opened);
    if (streams.gone.aborted) leave();
    return opened;
  };
  streams.gone.addEventListener("abort", leave, { once: true });
  let outcome: Outcome;
  try {
    const isSplit = options.stdin && !options.tty && (options.stdout || options.stderr);
    const first = await open(isSplit ? { ...options, stdin: false } : options);
    const ended = first.deliver(streams);
    const input = isSplit ? await inputBeside(first, () => open({ stdin: true, stdout: false, stderr: false, tty: false })) : first;
    input?.take(streams);
    outcome = await (isSplit && !stdinOnce ? Promise.race([ended, left(streams)]) : ended);
  } catch (error) {
    outcome = { kind: "failed", message: `error attaching to container: ${(error as Error).message}` };
  }
  streams.gone.removeEventListener("abort", leave);
  leave();
  await streams.finish(outcome);
}

/** A container that has ended meanwhile takes no input; its outputs say how it ended. */
async function inputBeside(outputs: RuntimeAttach, open: () => Promise<RuntimeAttach>): Promise<RuntimeAttach | undefined> {
  await outputs.accepted;
  return open().catch(() => undefined);
}

/** With the end of its input, a client leaves a container whose input is others', too. */
function left({ stdin, gone }: CommandStreams): Promise<Outcome> {
  return new Promise((resolve) => {
    stdin?.once("end", () => {
      if (!gone.aborted) resolve({ kind: "exited", exitCode: 0, command: [] });
    });
  });
}

/** The runtime's side: one connection to its streaming server. */
class RuntimeAttach {
  /** When the runtime has taken all streams. */
  readonly accepted: Promise<unknown>;
  readonly close: () => void;
  readonly #error: SpdyStream;
  readonly #stdin: SpdyStream | undefined;
  readonly #stdout: SpdyStream | undefined;
  readonly #stderr: SpdyStream | undefined;
  readonly #sizes: SpdyStream | undefined;

  static async open(runtime: Runtime, containerId: string, options: StreamOptions): Promise<RuntimeAttach> {
    const url = await runtime.attach({ containerId, ...options });
    const { socket, head } = await dialRuntime(url, "POST", { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": PROTOCOL });
    return new RuntimeAttach(new SpdyConnection(socket, { role: "client" }, head), options, () => void socket.destroy());
  }

  /** The runtime begins when it has each stream that its URL speaks of. */
  private constructor(runtime: SpdyConnection, { stdin, stdout, stderr, tty }: StreamOptions, close: () => void) {
    const open = (isAsked: boolean, streamtype: string) => (isAsked ? runtime.open({ streamtype }) : undefined);
    this.#error = runtime.open({ streamtype: "error" });
    this.#stdin = open(stdin, "stdin");
    this.#stdout = open(stdout, "stdout");
    this.#stderr = open(stderr, "stderr");
    this.#sizes = open(tty, "resize");
    this.close = close;
    const all = [this.#error, this.#stdin, this.#stdout, this.#stderr, this.#sizes].filter((stream) => stream !== undefined);
    for (const stream of [this.#stdin, this.#sizes]) {
      stream?.on("error", () => {}); // it ends with the container
      stream?.resume();
    }
    this.accepted = Promise.all(all.map((stream) => stream.accepted));
  }

  /** Gives the client what the container writes. @returns what the runtime says when it has ended */
  async deliver(streams: CommandStreams): Promise<Outcome> {
    const outputs = [deliver(this.#stdout, streams.stdout), deliver(this.#stderr, streams.stderr)];
    streams.onResize(({ width, height }) => void this.#sizes?.write(JSON.stringify({ Width: width, Height: height })));
    const [status] = await Promise.all([text(this.#error), ...outputs]);
    return outcomeOf(status);
  }

  take({ stdin }: CommandStreams): void {
    if (this.#stdin !== undefined) stdin?.pipe(this.#stdin);
  }
}

async function deliver(from: SpdyStream | undefined, to: CommandStreams["stdout"]): Promise<void> {
  if (to === undefined) from?.resume();
  else if (from !== undefined) await pipeline(from, to).catch(() => {}); // broken by a client that is gone
}

function outcomeOf(text: string): Outcome {
  if (text === "") return { kind: "failed", message: "error attaching to container: connection to the runtime lost" };
  const { status, message } = JSON.parse(text) as { status?: string; message?: string };
  if (status === "Failure") return { kind: "failed", message: (message ?? "error attaching to container").replace("Internal error occurred: ", "") };
  return { kind: "exited", exitCode: 0, command: [] };
}
