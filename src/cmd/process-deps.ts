import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";
import type { AgentConfig } from "./agent-config.ts";
import type { ServerConfig } from "./server-config.ts";

/** What a long-running process gets from the outside. */
export interface ProcessDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** For child processes; it carries the mark by which `skiff down` finds them. */
  readonly env: NodeJS.ProcessEnv;
  /** Aborted by SIGTERM or SIGINT: stop in an orderly way, then let the returned promise resolve. */
  readonly signal: AbortSignal;
  /** Issues the cluster's certificates anew that end soon, if its authority is on this machine. */
  readonly renewCertificates: () => Promise<void>;
  /** To be called once, as soon as the process serves. */
  readonly onReady: () => void;
}

/** Each resolves after an orderly stop. */
export interface Programs {
  server(config: ServerConfig, deps: ProcessDeps): Promise<void>;
  agent(config: AgentConfig, deps: ProcessDeps): Promise<void>;
}

/**
 * Starts a process's parts, holds them until it is told to stop, and then ends them, the last one first; also when the
 * start fails, or hangs while it is no longer wanted, and when `failure` rejects.
 */
export async function holdUntilAborted(
  { signal, onReady }: Pick<ProcessDeps, "signal" | "onReady">,
  start: (parts: Parts) => Promise<void>,
  failure?: Promise<never>,
): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const stop = aborted(signal);
  await Promise.race([
    start(parts)
      .then(onReady)
      .then(() => stop),
    stop,
    ...(failure === undefined ? [] : [failure]),
  ]);
}

/** What has been started; each `defer`s its end. A part that comes too late to be ended finds this closed, and fails. */
export type Parts = Pick<AsyncDisposableStack, "defer" | "use">;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
