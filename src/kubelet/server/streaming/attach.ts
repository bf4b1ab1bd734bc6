import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

import type { Runtime } from "#kubelet/cri/runtime.ts";
import { SpdyConnection, type SpdyStream } from "#lib/spdy/connection.ts";

import type { CommandStreams, Outcome, StreamOptions } from "./command-streams.ts";
import { dialRuntime } from "./runtime-stream.ts";

export interface AttachRequest extends StreamOptions {
  readonly containerId: string;
}

const PROTOCOL = "v4.channel.k8s.io";

/**
 * Joins a client with a container's main process, through the runtime, which holds its streams.
 *
 * SPDY, as containerd 1.6 can close an input alone only there; over its WebSocket, a client without an input closes the container's.
 */
export async function runAttach(
  { containerId, ...options }: AttachRequest,
  streams: CommandStreams,
  { runtime }: { readonly runtime: Runtime },
): Promise<void> {
  let outcome: Outcome;
  try {
    const url = await runtime.attach({ containerId, ...options });
    const { socket, head } = await dialRuntime(url, "POST", { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": PROTOCOL });
    const leave = () => void socket.destroy();
    streams.gone.addEventListener("abort", leave, { once: true });
    if (streams.gone.aborted) leave();
    outcome = await attached(new SpdyConnection(socket, { role: "client" }, head), options, streams);
    streams.gone.removeEventListener("abort", leave);
    leave();
  } catch (error) {
    outcome = { kind: "failed", message: `error attaching to container: ${(error as Error).message}` };
  }
  await streams.finish(outcome);
}

async function attached(runtime: SpdyConnection, { stdin, stdout, stderr, tty }: StreamOptions, streams: CommandStreams): Promise<Outcome> {
  // The runtime begins when it has each stream that its URL speaks of.
  const said = text(runtime.open({ streamtype: "error" }));
  const input = stdin ? runtime.open({ streamtype: "stdin" }) : undefined;
  const outputs = [
    stdout && deliver(runtime.open({ streamtype: "stdout" }), streams.stdout),
    stderr && deliver(runtime.open({ streamtype: "stderr" }), streams.stderr),
  ];
  if (tty) {
    const sizes = runtime.open({ streamtype: "resize" });
    sizes.resume();
    streams.onResize(({ width, height }) => void sizes.write(JSON.stringify({ Width: width, Height: height })));
  }
  if (input !== undefined) {
    input.on("error", () => {}); // it ends with the container
    input.resume();
    streams.stdin?.pipe(input);
  }
  const [status] = await Promise.all([said, ...outputs]);
  return outcomeOf(status);
}

async function deliver(from: SpdyStream, to: CommandStreams["stdout"]): Promise<void> {
  if (to === undefined) from.resume();
  else await pipeline(from, to).catch(() => {}); // broken by a client that is gone
}

function outcomeOf(text: string): Outcome {
  if (text === "") return { kind: "failed", message: "error attaching to container: connection to the runtime lost" };
  const { status, message } = JSON.parse(text) as { status?: string; message?: string };
  if (status === "Failure") return { kind: "failed", message: (message ?? "error attaching to container").replace("Internal error occurred: ", "") };
  return { kind: "exited", exitCode: 0, command: [] };
}
