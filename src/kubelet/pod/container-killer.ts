import { PODS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { referenceTo } from "#client/event-recorder.ts";
import { GRPC_NOT_FOUND, GrpcError } from "#lib/grpc/grpc-error.ts";

import { fieldPathOf, type PodContainer } from "./containers.ts";
import { runHook } from "./hooks.ts";
import type { PodContext } from "./pod-context.ts";
import type { RuntimeContainer } from "./runtime-pod.ts";

/** Upstream gives a container at least this long after its preStop hook. */
const MIN_GRACE_SECONDS = 2;

export interface KillRequest {
  readonly pod: Pod;
  readonly container: PodContainer | undefined;
  readonly run: RuntimeContainer;
  /** What the event says. */
  readonly message: string;
  readonly graceSeconds: number;
  readonly podIp: string;
}

/**
 * How long a pod's containers may take to stop.
 *
 * @param override a failed probe's own grace period
 */
export function graceSecondsOf({ metadata, spec }: Pod, override?: number): number {
  return metadata.deletionGracePeriodSeconds ?? override ?? spec.terminationGracePeriodSeconds ?? 30;
}

/** The longest that a container of a deleted pod runs on for the sake of connections that may still come. */
const MAX_DRAIN_MS = 1000;

/**
 * Stops a container: event, preStop hook, stop signal, SIGKILL when the grace period is over. Resolves when it has exited.
 *
 * Where upstream's signal races against the service proxies that still send connections here, ours comes after this
 * node's proxy has stopped.
 */
export async function killContainer(context: PodContext, { pod, container, run, message, graceSeconds, podIp }: KillRequest): Promise<void> {
  const { recorder, clock, runtime, probes } = context;
  probes.stop(run.id, ["liveness", "startup"]);
  const about = referenceTo(PODS, pod, container === undefined ? undefined : fieldPathOf(container));
  recorder.record(about, "Normal", "Killing", message);
  const startedMs = clock.monotonic();
  const preStop = container?.spec.lifecycle?.preStop;
  if (container !== undefined && preStop !== undefined && graceSeconds > 0) {
    const timeout = new AbortController();
    const timer = clock.after(graceSeconds * 1000, () => timeout.abort(new Error("grace period is over")));
    const hook = runHook(preStop, { container: container.spec, containerId: run.id, podIp, runtime, clock, signal: timeout.signal });
    try {
      await Promise.race([hook, aborted(timeout.signal)]);
    } catch (error) {
      context.log.debug("preStop hook failed", { container: run.name, error });
      recorder.record(about, "Warning", "FailedPreStopHook", "PreStopHook failed");
    } finally {
      timer.cancel();
      hook.catch(() => undefined);
    }
  }
  if (pod.metadata.deletionTimestamp !== undefined && graceSeconds > 0) await drained(context, podIp);
  const spentSeconds = Math.floor((clock.monotonic() - startedMs) / 1000);
  const remaining = graceSeconds <= 1 ? graceSeconds : Math.max(MIN_GRACE_SECONDS, graceSeconds - spentSeconds);
  await stopQuietly(context, run.id, remaining);
  probes.stop(run.id);
}

async function drained({ clock, drained: untilDrained }: PodContext, podIp: string): Promise<void> {
  if (podIp === "") return;
  const timeUp = Promise.withResolvers<void>();
  const timer = clock.after(MAX_DRAIN_MS, timeUp.resolve);
  await Promise.race([untilDrained(podIp), timeUp.promise]);
  timer.cancel();
}

/** Stops a container that may be gone already. */
export async function stopQuietly({ runtime }: PodContext, id: string, graceSeconds: number): Promise<void> {
  try {
    await runtime.stopContainer(id, graceSeconds);
  } catch (error) {
    if (!(error instanceof GrpcError && error.code === GRPC_NOT_FOUND)) throw error;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
