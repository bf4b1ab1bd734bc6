import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { Container, Pod } from "#api/core-v1/types.ts";

import { containerHash, restartsAfter, shouldStart } from "./containers.ts";
import { latestRun, type RuntimeContainer, type RuntimePod } from "./runtime-pod.ts";

export type ProbeVerdict = "success" | "failure" | undefined;

/** What liveness and startup probes have found of a run of a container; `undefined` before a first result. */
export type ProbeView = (containerId: string) => { readonly liveness: ProbeVerdict; readonly startup: ProbeVerdict };

export interface ContainerKill {
  readonly id: string;
  readonly name: string;
  readonly message: string;
  readonly reason: "livenessProbe" | "startupProbe" | "unknown" | "";
}

/** What brings a pod towards its spec, in this order: kill, sandbox, ephemeral, init, main containers. */
export interface PodActions {
  /** Stop everything, the sandbox too. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  readonly attempt: number;
  /** The sandbox to start containers in, unless one is created. */
  readonly sandboxId: string | undefined;
  readonly kill: readonly ContainerKill[];
  /** Names of containers. */
  readonly startInit: readonly string[];
  readonly startMain: readonly string[];
  readonly startEphemeral: readonly string[];
}

export interface PodSeen {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly probes: ProbeView;
}

/**
 * Decides the next step for a pod that should run.
 *
 * @see pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions
 */
export function computePodActions(seen: PodSeen): PodActions {
  const { pod, runtime } = seen;
  const sandbox = sandboxDecision(runtime);
  const none = { kill: [], startInit: [], startMain: [], startEphemeral: [] };
  if (sandbox.changed) return { ...none, ...recreation(pod, runtime, sandbox.attempt) };
  const base = { ...none, killPod: false, createSandbox: false, attempt: sandbox.attempt, sandboxId: sandbox.id };
  const startEphemeral = (pod.spec.ephemeralContainers ?? []).map(({ name }) => name).filter((name) => latestRun(runtime, name) === undefined);
  const init = initActions(seen);
  if (init.killPod) return { ...base, killPod: true };
  if (!init.initialized) return { ...base, startEphemeral, kill: init.kill, startInit: init.start };
  const main = mainActions(seen);
  if (main.kept === 0 && main.start.length === 0) return { ...base, kill: main.kill, killPod: true };
  return { ...base, startEphemeral, kill: [...init.kill, ...main.kill], startInit: init.start, startMain: main.start };
}

function sandboxDecision({ sandboxes }: RuntimePod): { changed: boolean; attempt: number; id: string | undefined } {
  const latest = sandboxes[0];
  if (latest === undefined) return { changed: true, attempt: 0, id: undefined };
  const readyCount = sandboxes.filter(({ ready }) => ready).length;
  if (readyCount > 1 || !latest.ready) return { changed: true, attempt: latest.attempt + 1, id: latest.id };
  return { changed: false, attempt: latest.attempt, id: latest.id };
}

function recreation(pod: Pod, runtime: RuntimePod, attempt: number): Omit<PodActions, "kill" | "startEphemeral"> {
  const kill = { killPod: true, createSandbox: false, attempt, sandboxId: undefined, startInit: [], startMain: [] };
  const mains = pod.spec.containers;
  if (pod.spec.restartPolicy === "Never" && attempt !== 0 && runtime.containers.length > 0) return kill;
  const start = mains.filter((container) => !(runsOnce(container, pod) && succeeded(latestRun(runtime, container.name)))).map(({ name }) => name);
  const initialized = mains.some(({ name }) => latestRun(runtime, name) !== undefined);
  if (start.length === 0 && initialized) return kill;
  const first = pod.spec.initContainers?.[0];
  const create = { ...kill, createSandbox: true };
  return first === undefined ? { ...create, startMain: start } : { ...create, startInit: [first.name] };
}

const runsOnce = (container: Container, pod: Pod): boolean => (container.restartPolicy ?? pod.spec.restartPolicy) === "OnFailure";
const succeeded = (run: RuntimeContainer | undefined): boolean => run?.state === "exited" && run.exitCode === 0;

interface InitDecision {
  readonly initialized: boolean;
  readonly killPod: boolean;
  readonly kill: readonly ContainerKill[];
  readonly start: readonly string[];
}

/**
 * Looks from the last init container back, as earlier ones may have been removed from the runtime: the last that has
 * run tells how far initialisation is.
 */
function initActions(seen: PodSeen): InitDecision {
  const { pod, runtime } = seen;
  const inits = pod.spec.initContainers ?? [];
  if (inits.length === 0) return { initialized: true, killPod: false, kill: [], start: [] };
  const kill: ContainerKill[] = [];
  const start: string[] = [];
  let initialized = pod.spec.containers.some(({ name }) => ["created", "running"].includes(latestRun(runtime, name)?.state ?? ""));
  let laterRan = initialized;
  for (let i = inits.length - 1; i >= 0; i--) {
    const container = inits[i] as Container;
    const run = latestRun(runtime, container.name);
    if (run === undefined) {
      if (laterRan && isSidecar(container)) start.unshift(container.name);
      continue;
    }
    if (laterRan && !isSidecar(container)) continue;
    const step = initStep(container, run, seen);
    if (step.kind === "fail") return { initialized: false, killPod: true, kill: [], start: [] };
    if (step.kill !== undefined) kill.push(step.kill);
    if (step.kind === "restart") start.unshift(container.name);
    if (step.done && i === inits.length - 1) initialized = true;
    else if (step.done && !laterRan) start.unshift((inits[i + 1] as Container).name);
    laterRan = true;
  }
  if (!laterRan) start.unshift((inits[0] as Container).name);
  return { initialized, killPod: false, kill, start: [...new Set(start)].sort((a, b) => indexOf(inits, a) - indexOf(inits, b)) };
}

const indexOf = (containers: readonly Container[], name: string): number => containers.findIndex((container) => container.name === name);

interface InitStep {
  readonly kind: "wait" | "restart" | "fail";
  /** Whether the next one may start. */
  readonly done?: boolean;
  readonly kill?: ContainerKill;
}

function initStep(container: Container, run: RuntimeContainer, seen: PodSeen): InitStep {
  if (run.state === "created") return { kind: "restart" };
  if (run.state === "running") return isSidecar(container) ? sidecarStep(container, run, seen) : { kind: "wait" };
  if (run.state === "exited") {
    if (isSidecar(container)) return { kind: "restart" };
    if (run.exitCode === 0) return { kind: "wait", done: true };
    return restartsAfter(container, seen.pod, run.exitCode, "init") ? { kind: "restart" } : { kind: "fail" };
  }
  const policy = container.restartPolicy ?? seen.pod.spec.restartPolicy;
  if (!isSidecar(container) && policy === "Never") return { kind: "fail" };
  const message = 'Init container is in "unknown" state, try killing it before restart';
  return { kind: "restart", kill: { id: run.id, name: container.name, message, reason: "unknown" } };
}

function sidecarStep(container: Container, run: RuntimeContainer, { probes }: PodSeen): InitStep {
  const { liveness, startup } = probes(run.id);
  const killed = (why: string, reason: ContainerKill["reason"]): InitStep => ({
    kind: "restart",
    kill: { id: run.id, name: container.name, message: `Init container ${container.name} ${why}`, reason },
  });
  if (container.startupProbe !== undefined && startup !== "success") {
    return startup === "failure" ? killed("failed startup probe", "startupProbe") : { kind: "wait" };
  }
  if (run.hash !== containerHash(container)) return { ...killed("definition changed", ""), done: true };
  if (container.livenessProbe !== undefined && liveness === "failure") return { ...killed("failed liveness probe", "livenessProbe"), done: true };
  return { kind: "wait", done: true };
}

function mainActions({ pod, runtime, probes }: PodSeen): { kept: number; start: string[]; kill: ContainerKill[] } {
  const start: string[] = [];
  const kill: ContainerKill[] = [];
  let kept = 0;
  for (const container of pod.spec.containers) {
    const { name } = container;
    const run = latestRun(runtime, name);
    if (run?.state !== "running") {
      if (!shouldStart(container, pod, run)) continue;
      start.push(name);
      if (run?.state === "unknown")
        kill.push({ id: run.id, name, message: 'Container is in "unknown" state, try killing it before restart', reason: "unknown" });
      continue;
    }
    const why = reasonToKill(container, run, probes);
    if (why === undefined) {
      kept++;
      continue;
    }
    const restart = why.reason === "" || (container.restartPolicy ?? pod.spec.restartPolicy) !== "Never";
    if (restart) start.push(name);
    kill.push({ id: run.id, name, message: restart ? `${why.message}, will be restarted` : why.message, reason: why.reason });
  }
  return { kept, start, kill };
}

function reasonToKill(container: Container, run: RuntimeContainer, probes: ProbeView): Pick<ContainerKill, "message" | "reason"> | undefined {
  const { liveness, startup } = probes(run.id);
  if (run.hash !== "" && run.hash !== containerHash(container)) return { message: `Container ${container.name} definition changed`, reason: "" };
  if (liveness === "failure") return { message: `Container ${container.name} failed liveness probe`, reason: "livenessProbe" };
  if (startup === "failure") return { message: `Container ${container.name} failed startup probe`, reason: "startupProbe" };
  return undefined;
}
