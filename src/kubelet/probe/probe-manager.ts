import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { Container, Pod, Probe } from "#api/core-v1/types.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";
import type { ProbeVerdict } from "#kubelet/pod/compute-actions.ts";
import { type PodContainer } from "#kubelet/pod/containers.ts";
import type { RuntimeContainer } from "#kubelet/pod/runtime-pod.ts";
import type { ContainerHealth } from "#kubelet/status/container-statuses.ts";
import type { Clock } from "#lib/clock.ts";
import type { Rng } from "#lib/rng.ts";

import { Prober, type ProbeKind } from "./prober.ts";
import { probeOnce, type ProbeResult } from "./probe-once.ts";

export interface ProbeManagerDeps {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly rng: Rng;
}

export interface ProbeSubject {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly run: RuntimeContainer;
  readonly podIp: string;
  /** Whether the kubelet found the container running when it started itself. */
  readonly adopted: boolean;
  readonly tell: (message: string) => void;
  readonly changed: () => void;
}

interface Watched {
  readonly container: Container;
  readonly probers: ReadonlyMap<ProbeKind, Prober>;
}

const KINDS: readonly ProbeKind[] = ["startup", "liveness", "readiness"];

/** Probes of all running containers, and what they have found. */
export class ProbeManager {
  readonly #deps: ProbeManagerDeps;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: ProbeManagerDeps) {
    this.#deps = deps;
  }

  /** Begins to probe a run, unless it is probed already. */
  watch(subject: ProbeSubject): void {
    const { run, container } = subject;
    if (this.#watched.has(run.id)) return;
    const probers = new Map<ProbeKind, Prober>();
    this.#watched.set(run.id, { container: container.spec, probers });
    if (container.kind === "ephemeral" || (container.kind === "init" && !isSidecar(container.spec))) return;
    for (const kind of KINDS) {
      const spec = probeOf(container.spec, kind);
      if (spec !== undefined) probers.set(kind, this.#prober(kind, spec, subject));
    }
  }

  /** Ends the probes of a run; without `readiness`, those that could kill it. */
  stop(containerId: string, kinds: readonly ProbeKind[] = KINDS): void {
    const watched = this.#watched.get(containerId);
    for (const kind of kinds) watched?.probers.get(kind)?.stop();
    if (kinds === KINDS) this.#watched.delete(containerId);
  }

  stopAll(): void {
    for (const id of [...this.#watched.keys()]) this.stop(id);
  }

  verdicts(containerId: string): { readonly liveness: ProbeVerdict; readonly startup: ProbeVerdict } {
    const probers = this.#watched.get(containerId)?.probers;
    return { liveness: probers?.get("liveness")?.verdict, startup: probers?.get("startup")?.verdict };
  }

  /** Whether the run counts as started and ready. */
  health({ spec }: PodContainer, containerId: string): ContainerHealth {
    const probers = this.#watched.get(containerId)?.probers;
    const started = spec.startupProbe === undefined || probers?.get("startup")?.verdict === "success";
    const ready = spec.readinessProbe === undefined || probers?.get("readiness")?.verdict === "success";
    return { started, ready };
  }

  #prober(kind: ProbeKind, spec: Probe, subject: ProbeSubject): Prober {
    const { runtime, clock, rng } = this.#deps;
    const { run, container, podIp } = subject;
    const target = { container: container.spec, containerId: run.id, podIp };
    return new Prober({
      kind,
      spec,
      startedMs: run.startedMs,
      clock,
      jitterMs: subject.adopted ? rng() * (spec.periodSeconds ?? 10) * 1000 : 0,
      due: () => kind === "startup" || this.health(container, run.id).started,
      attempt: () => probeOnce(spec, target, (spec.timeoutSeconds ?? 1) * 1000, runtime),
      onFailure: (result) => subject.tell(messageFor(kind, result)),
      onVerdict: (verdict) => {
        if (kind === "startup" && verdict === "success") this.#wakeOthers(run.id);
        subject.changed();
      },
    });
  }

  #wakeOthers(containerId: string): void {
    const probers = this.#watched.get(containerId)?.probers;
    probers?.get("liveness")?.wake();
    probers?.get("readiness")?.wake();
  }
}

function probeOf({ livenessProbe, readinessProbe, startupProbe }: Container, kind: ProbeKind): Probe | undefined {
  if (kind === "startup") return startupProbe;
  return kind === "liveness" ? livenessProbe : readinessProbe;
}

function messageFor(kind: ProbeKind, { result, output }: ProbeResult): string {
  const name = `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  return result === "failure" ? `${name} probe failed: ${output}` : `${name} probe errored and resulted in unknown state: ${output}`;
}
