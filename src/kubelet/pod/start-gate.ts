import { PODS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { referenceTo } from "#client/event-recorder.ts";
import type { WaitingReason } from "#kubelet/status/container-statuses.ts";

import { goDuration } from "./backoff.ts";
import type { StartError } from "./container-starter.ts";
import { containerHash, fieldPathOf, type PodContainer } from "./containers.ts";
import type { PodContext } from "./pod-context.ts";
import type { RuntimeContainer } from "./runtime-pod.ts";

/** What cannot be started for want of something is tried again after this long. */
const RETRY_MS = 10_000;
/** After a failed pull or start the pod soon shows that it waits for the next one. */
const SHOW_BACKOFF_MS = 1500;

/** When each of a pod's containers may be started, and why it is not. */
export class StartGate {
  readonly reasons = new Map<string, WaitingReason>();
  readonly #context: PodContext;
  readonly #notBeforeMs = new Map<string, number>();

  constructor(context: PodContext) {
    this.#context = context;
  }

  /** The pod's spec has changed: what failed may go well now. */
  reset(): void {
    this.#notBeforeMs.clear();
  }

  /**
   * How long a container must still wait, in milliseconds; one that crashed is told to back off.
   *
   * @param run its newest run
   */
  waitMs(pod: Pod, container: PodContainer, run: RuntimeContainer | undefined): number {
    const { clock, restarts, recorder } = this.#context;
    const { name } = container.spec;
    const heldMs = (this.#notBeforeMs.get(name) ?? 0) - clock.monotonic();
    if (heldMs > 0 || run?.state !== "exited") return Math.max(0, heldMs);
    const key = keyOf(pod, container);
    const remainingMs = restarts.remainingSince(key, run.finishedMs, clock.now());
    if (remainingMs === 0) return 0;
    const { namespace, uid } = pod.metadata;
    const podName = `${pod.metadata.name}_${namespace}(${uid})`;
    if (this.reasons.get(name)?.reason !== "CrashLoopBackOff") {
      recorder.record(referenceTo(PODS, pod, fieldPathOf(container)), "Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${podName}`);
    }
    const message = `back-off ${goDuration(restarts.get(key))} restarting failed container=${name} pod=${podName}`;
    this.reasons.set(name, { reason: "CrashLoopBackOff", message });
    return remainingMs;
  }

  /** A container was made: a restart counts from here on, as one that waits for its image has not crashed again. */
  made(pod: Pod, container: PodContainer, previous: RuntimeContainer | undefined): void {
    const { restarts, clock } = this.#context;
    if (previous?.state === "exited") restarts.next(keyOf(pod, container), previous.finishedMs, clock.now());
  }

  started(name: string): void {
    this.reasons.delete(name);
    this.#notBeforeMs.delete(name);
  }

  /** @returns when to try again, in milliseconds from now */
  failed(name: string, { reason, message, retryAfterMs, containerId }: StartError): number {
    this.reasons.set(name, { reason, message });
    const soon = reason === "ErrImagePull" || containerId !== undefined;
    const delayMs = soon ? SHOW_BACKOFF_MS : (retryAfterMs ?? RETRY_MS);
    this.#notBeforeMs.set(name, this.#context.clock.monotonic() + delayMs);
    return delayMs;
  }
}

const keyOf = (pod: Pod, { spec }: PodContainer): string => `${pod.metadata.uid}/${spec.name}/${containerHash(spec)}`;
