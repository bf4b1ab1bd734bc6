import { rmSync } from "node:fs";
import { join } from "node:path";

import type { Pod } from "#api/core-v1/types.ts";
import { type ContainerSummary, type Sandbox, SANDBOX_READY } from "#kubelet/cri/types.ts";
import { sleep } from "#lib/clock.ts";

import { podCgroup } from "./cgroups.ts";
import { logLinkName, messageFileOf } from "./container-starter.ts";
import { containersOf } from "./containers.ts";
import { LABEL } from "./labels.ts";
import type { PodContext } from "./pod-context.ts";
import {
  containerState,
  NOTHING_RUNS,
  type RuntimeContainer,
  runtimeContainer,
  type RuntimePod,
  runtimeSandbox,
  withContainer,
  withoutContainer,
  withoutSandbox,
  withSandbox,
} from "./runtime-pod.ts";
import { terminationMessage } from "./termination-message.ts";

/** CRI shows an exit a moment after containerd has told that it has cleaned up. */
const FIRST_LOOK_MS = 8;
/** So long is waited for that; a containerd that was killed meanwhile tells nothing. */
const REAPED_WAIT_MS = 500;
const LAST_LOOK_MS = 2000;

export interface ExitLook {
  readonly early: boolean;
  readonly onLook: () => void;
  readonly stopped: () => boolean;
}

/** What lists of the runtime show of one pod. */
export interface Listed {
  readonly sandboxes: readonly Sandbox[];
  readonly containers: readonly ContainerSummary[];
}

/** What the runtime has of one pod, kept current; the runtime is asked for one container or sandbox at a time. */
export class PodRuntime {
  readonly #context: PodContext;
  #seen: RuntimePod;
  #isDoubtful = false;
  /** Containers and sandboxes that we end, and look at when it is done. */
  readonly #ending = new Set<string>();
  /** Called when the runtime has cleaned up after an exit, by id. */
  readonly #awaited = new Map<string, () => void>();
  /** Last words by container id. */
  readonly #messages = new Map<string, string>();

  constructor(context: PodContext, seen: RuntimePod = NOTHING_RUNS) {
    this.#context = context;
    this.#seen = seen;
    // What was found half done may go on.
    this.#isDoubtful = seen.sandboxes.some(({ ready }) => !ready) || seen.containers.some(({ state }) => state !== "running");
  }

  get seen(): RuntimePod {
    return this.#seen;
  }

  /** Whether anything of the pod runs. */
  get isAlive(): boolean {
    return this.#seen.sandboxes.some(({ ready }) => ready) || this.#seen.containers.some(({ state }) => state === "running");
  }

  /** A call has failed, which may have had its effect all the same, or something was done by who is gone: `settle()` is due. */
  doubt(): void {
    this.#isDoubtful = true;
  }

  /** Looks at all that the runtime has of the pod, if there is doubt. */
  async settle(pod: Pod): Promise<void> {
    if (!this.#isDoubtful) return;
    const { runtime } = this.#context;
    const labels = { [LABEL.podUid]: pod.metadata.uid as string };
    const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(labels), runtime.listContainers(labels)]);
    for (const id of new Set([...this.#seen.sandboxes, ...sandboxes].map((sandbox) => sandbox.id))) await this.lookAtSandbox(id);
    for (const id of new Set([...this.#seen.containers, ...containers].map((container) => container.id))) await this.lookAtContainer(pod, id);
    this.#endStrays(pod);
    this.#isDoubtful = false;
  }

  /** A start that was cut off leaves a process that waits for ever, and a shim that was killed may leave a container's. */
  #endStrays(pod: Pod): void {
    const { cgroups, config, log } = this.#context;
    const ended = [...this.#seen.sandboxes.filter(({ ready }) => !ready), ...this.#seen.containers.filter(({ state }) => state !== "running")];
    for (const { id } of ended) {
      const count = cgroups.end(join(podCgroup(config.cgroupRoot, pod), id));
      if (count > 0) log.warn("processes of a container that does not run killed", { id, count });
    }
  }

  /** Looks at a container or sandbox of the pod; others are passed over. */
  async look(pod: Pod, id: string): Promise<void> {
    if (this.#seen.sandboxes.some((sandbox) => sandbox.id === id)) await this.lookAtSandbox(id);
    else if (this.#seen.containers.some((container) => container.id === id)) await this.lookAtContainer(pod, id);
  }

  /**
   * Looks at a process that has exited, once CRI shows it so: its own view is behind the event. What we end ourselves is
   * looked at then.
   *
   * @param early whether the exit is old: nothing more will be told of it
   */
  async lookForExit(pod: Pod, id: string, { early, onLook, stopped }: ExitLook): Promise<void> {
    if (!early) await this.#untilReaped(id);
    const isDone = () => this.#isOver(id) || this.#ending.has(id);
    for (let waitMs = FIRST_LOOK_MS; waitMs < LAST_LOOK_MS && !isDone() && !stopped(); waitMs *= 2) {
      await sleep(this.#context.clock, waitMs);
      if (isDone()) return;
      await this.look(pod, id);
      onLook();
    }
  }

  /** The runtime has cleaned up after an exit. */
  reaped(id: string): void {
    this.#awaited.get(id)?.();
  }

  async #untilReaped(id: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited.set(id, resolve);
    const timer = this.#context.clock.after(REAPED_WAIT_MS, resolve);
    await promise;
    timer.cancel();
    this.#awaited.delete(id);
  }

  /** Ends a container by `end`, and looks at it afterwards. */
  async endContainer(pod: Pod, id: string, end: () => Promise<void>): Promise<void> {
    await this.#ended(id, end);
    await this.lookAtContainer(pod, id);
  }

  async #ended(id: string, end: () => Promise<void>): Promise<void> {
    this.#ending.add(id);
    try {
      await end();
    } finally {
      this.#ending.delete(id);
    }
  }

  knows(id: string): boolean {
    return [...this.#seen.sandboxes, ...this.#seen.containers].some((part) => part.id === id);
  }

  /** The ids whose state is not as a list of the runtime shows it. */
  differing({ sandboxes, containers }: Listed): string[] {
    const states = new Map(containers.map(({ id, state }) => [id, containerState(state)]));
    const ready = new Set(sandboxes.filter(({ state }) => state === SANDBOX_READY).map(({ id }) => id));
    const changed = this.#seen.containers.filter(({ id, state }) => states.get(id) !== state);
    const lost = this.#seen.sandboxes.filter((sandbox) => sandbox.ready && !ready.has(sandbox.id));
    return [...changed, ...lost].map(({ id }) => id);
  }

  async lookAtSandbox(id: string): Promise<void> {
    const status = await this.#context.runtime.podSandboxStatus(id);
    this.#seen = status === undefined ? withoutSandbox(this.#seen, id) : withSandbox(this.#seen, runtimeSandbox(status));
  }

  async lookAtContainer(pod: Pod, id: string): Promise<void> {
    const status = await this.#context.runtime.containerStatus(id);
    if (status === undefined) {
      // Its sandbox took it along.
      for (const run of this.#seen.containers.filter((seen) => seen.id === id)) this.#forgetRun(pod, run);
      return;
    }
    const run = runtimeContainer(status);
    if (run.state === "exited") this.#context.probes.stop(id);
    this.#seen = withContainer(this.#seen, { ...run, message: this.#lastWords(pod, run) });
  }

  async stopSandbox(id: string): Promise<void> {
    await this.#ended(id, () => this.#context.runtime.stopPodSandbox(id));
    await this.lookAtSandbox(id);
  }

  async removeSandbox(id: string): Promise<void> {
    await this.#context.runtime.removePodSandbox(id);
    this.forgetSandbox(id);
  }

  /** Does as if it had been removed, with its containers. */
  forgetSandbox(id: string): void {
    this.#seen = withoutSandbox(this.#seen, id);
  }

  /** Removes a run that has ended, and its log. */
  async removeRun(pod: Pod, run: RuntimeContainer): Promise<void> {
    await this.#context.runtime.removeContainer(run.id);
    this.#forgetRun(pod, run);
    if (run.logPath !== "") rmSync(run.logPath, { force: true });
  }

  #forgetRun(pod: Pod, { name, id }: RuntimeContainer): void {
    this.#messages.delete(id);
    rmSync(join(this.#context.config.containerLogsDir, logLinkName(pod, name, id)), { force: true });
    this.#seen = withoutContainer(this.#seen, id);
  }

  /** Keeps the last run before the present one, for its log and last state. */
  async removeOldRuns(pod: Pod, name: string): Promise<void> {
    const old = this.#seen.containers.filter((run) => run.name === name && run.state !== "running").slice(1);
    for (const run of old) await this.removeRun(pod, run);
  }

  #isOver(id: string): boolean {
    const { containers, sandboxes } = this.#seen;
    return !containers.some((run) => run.id === id && run.state !== "exited") && !sandboxes.some((sandbox) => sandbox.id === id && sandbox.ready);
  }

  /** Read once of each run. The files of a pod that is over are gone, and its status has what they said to an earlier kubelet. */
  #lastWords(pod: Pod, run: RuntimeContainer): string {
    if (run.state !== "exited") return run.message;
    const known = this.#messages.get(run.id);
    if (known !== undefined) return known;
    const spec = containersOf(pod).find((container) => container.spec.name === run.name)?.spec;
    const file = messageFileOf(this.#context.volumes.podDir(pod.metadata.uid as string), run.name, run.restartCount);
    const read = spec === undefined ? "" : terminationMessage(spec, run.exitCode, file, run.logPath);
    const message = read || toldMessage(pod, run.id) || run.message;
    this.#messages.set(run.id, message);
    return message;
  }
}

/** What the pod's status says of a run that has ended. */
function toldMessage({ status = {} }: Pod, id: string): string {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = status;
  const ends = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].flatMap(({ state, lastState }) => [state, lastState]);
  return ends.find((end) => end?.terminated?.containerID === `containerd://${id}`)?.terminated?.message ?? "";
}
