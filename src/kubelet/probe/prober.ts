import type { Probe } from "#api/core-v1/types.ts";
import type { ProbeVerdict } from "#kubelet/pod/compute-actions.ts";
import type { Clock, Timer } from "#lib/clock.ts";

import type { ProbeResult } from "./probe-once.ts";

export type ProbeKind = "liveness" | "readiness" | "startup";

export interface ProberOptions {
  readonly kind: ProbeKind;
  readonly spec: Probe;
  /** Of the run that is probed, in milliseconds since the epoch. */
  readonly startedMs: number;
  readonly clock: Clock;
  /** Extra delay before the first attempt, so that probes spread after a restart of the kubelet. */
  readonly jitterMs: number;
  /** Whether attempts are due now: liveness and readiness wait for startup. */
  readonly due: () => boolean;
  readonly attempt: () => Promise<ProbeResult>;
  /** Called for each attempt that did not succeed. */
  readonly onFailure: (result: ProbeResult) => void;
  readonly onVerdict: (verdict: Exclude<ProbeVerdict, undefined>) => void;
}

const MS = 1000;

/**
 * Probes one run of a container again and again, and tells when enough attempts in a row agree.
 *
 * @see pkg/kubelet/prober/worker.go
 */
export class Prober {
  verdict: ProbeVerdict;
  readonly #options: ProberOptions;
  #timer: Timer | undefined;
  #inARow = 0;
  #last: "success" | "failure" | undefined;
  #stopped = false;

  constructor(options: ProberOptions) {
    this.#options = options;
    const { spec, startedMs, clock, jitterMs } = options;
    const sinceStartMs = clock.now() - startedMs;
    const initialMs = Math.max(0, (spec.initialDelaySeconds ?? 0) * MS - sinceStartMs);
    this.#schedule(initialMs + jitterMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Probes at once: something that the probe waited for has come true. */
  wake(): void {
    const waited = this.#options.clock.now() - this.#options.startedMs;
    if (waited >= (this.#options.spec.initialDelaySeconds ?? 0) * MS) this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    if (!this.#stopped) this.#timer = this.#options.clock.after(delayMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    const { spec, due, attempt, onFailure } = this.#options;
    if (due()) {
      const result = await attempt();
      if (this.#stopped) return;
      if (result.result !== "success") onFailure(result);
      // What could not be carried out says nothing about the container.
      if (result.result !== "unknown") this.#count(result.result);
    }
    const held = this.#options.kind !== "readiness" && this.verdict === "failure";
    const finished = this.#options.kind === "startup" && this.verdict === "success";
    if (!held && !finished) this.#schedule((spec.periodSeconds ?? 10) * MS);
  }

  #count(result: "success" | "failure"): void {
    this.#inARow = result === this.#last ? this.#inARow + 1 : 1;
    this.#last = result;
    const { spec, onVerdict } = this.#options;
    const needed = result === "success" ? (spec.successThreshold ?? 1) : (spec.failureThreshold ?? 3);
    if (this.#inARow < needed || this.verdict === result) return;
    this.verdict = result;
    onVerdict(result);
  }
}
