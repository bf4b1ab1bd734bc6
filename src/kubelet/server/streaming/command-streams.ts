import type { Readable, Writable } from "node:stream";

import type { Status } from "#apimachinery/meta-v1/types.ts";

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Which streams a client asked for. */
export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** A client's side of a remote command, whichever protocol it speaks. A stream that it did not ask for is absent. */
export interface CommandStreams {
  /** Ends when the client closes its input. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** Aborts when the client is gone. */
  readonly gone: AbortSignal;
  /** `listener` gets the size that the client's terminal has, and each later one. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Says how the command ended, and closes the connection. */
  finish(outcome: Outcome): Promise<void>;
}

/** How a command ended. */
export type Outcome =
  | { readonly kind: "exited"; readonly exitCode: number; readonly command: readonly string[] }
  | { readonly kind: "failed"; readonly message: string };

/** @see staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/exec.go */
export function statusOf(outcome: Outcome): Omit<Status, "kind" | "apiVersion"> {
  if (outcome.kind === "failed") {
    const causes = [{ message: outcome.message }];
    return { metadata: {}, status: "Failure", message: `Internal error occurred: ${outcome.message}`, reason: "InternalError", details: { causes }, code: 500 };
  }
  const { exitCode, command } = outcome;
  if (exitCode === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: error executing command [${command.join(" ")}], exit code ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

/** The terminal's size as clients send it. Nonsense is ignored. */
export function parseSize(json: string): TerminalSize | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(json) as { Width?: unknown; Height?: unknown };
    if (isSize(width) && isSize(height)) return { width, height };
  } catch {
    // Not JSON.
  }
  return undefined;
}

const isSize = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff;

/** The newest size, for a listener that may come late. */
export class SizeHolder {
  #last: TerminalSize | undefined;
  #listener: ((size: TerminalSize) => void) | undefined;

  set(size: TerminalSize): void {
    this.#last = size;
    this.#listener?.(size);
  }

  listen(listener: (size: TerminalSize) => void): void {
    this.#listener = listener;
    if (this.#last !== undefined) listener(this.#last);
  }
}
