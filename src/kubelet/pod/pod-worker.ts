// Long because a pod's life, from its first start to its removal, is one story.
import { rmSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

import { PODS } from "#api/builtin.ts";
import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { Pod, PodStatus } from "#api/core-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo } from "#client/event-recorder.ts";
import type { SandboxConfig } from "#kubelet/cri/types.ts";
import { HOST_PORT_HANDLER } from "#kubelet/runtime/containerd-config.ts";
import { computePodStatus, podIps, type PodVerdict } from "#kubelet/status/pod-status.ts";
import { areCertain } from "#kubelet/volume/certain.ts";
import { type MountedVolumes, VolumeSetupError } from "#kubelet/volume/volume-manager.ts";
import { allDone } from "#lib/all-done.ts";
import { formatTime, type Timer } from "#lib/clock.ts";

import { clearCgroup, podCgroup } from "./cgroups.ts";
import { type ContainerKill, computePodActions, type PodActions } from "./compute-actions.ts";
import { graceSecondsOf, killContainer, stopQuietly } from "./container-killer.ts";
import { ensureImage, startContainer, StartError } from "./container-starter.ts";
import { containersOf, fieldPathOf, type PodContainer } from "./containers.ts";
import { runHook } from "./hooks.ts";
import type { PodContext } from "./pod-context.ts";
import { type Listed, PodRuntime } from "./pod-runtime.ts";
import { latestRun, type RuntimeContainer, type RuntimePod } from "./runtime-pod.ts";
import { podLogDir, sandboxConfig } from "./sandbox-config.ts";
import { StartGate } from "./start-gate.ts";
import { interruptible, StepLoop } from "./step-loop.ts";

/** A pod goes through these in this order, never back. */
type Stage = "running" | "terminating" | "ended" | "gone";

/** Grace of a pod whose object is gone already. */
const FORCED_GRACE_SECONDS = 1;

/** Brings one pod from what runs to what its object says, one step at a time; the newest object counts. */
export class PodWorker {
  readonly #context: PodContext;
  readonly #loop: StepLoop;
  readonly #runtime: PodRuntime;
  readonly #gate: StartGate;
  readonly #startTime: string;
  readonly #adopted: ReadonlySet<string>;
  #pod: Pod;
  #status: PodStatus | undefined;
  #volumes: MountedVolumes | undefined;
  #verdict: PodVerdict | undefined;
  #stage: Stage = "running";
  #deleted = false;
  #deadline: Timer | undefined;

  /** @param runtime what the runtime has of the pod from before the kubelet's start */
  constructor(pod: Pod, context: PodContext, runtime?: RuntimePod) {
    this.#pod = pod;
    this.#context = context;
    this.#runtime = new PodRuntime(context, runtime);
    this.#gate = new StartGate(context);
    this.#adopted = new Set(this.runtime.containers.map(({ id }) => id));
    this.#startTime = pod.status?.startTime ?? formatTime(context.clock.now());
    this.#loop = new StepLoop({
      clock: context.clock,
      step: (signal) => this.#step(signal),
      onError: (error, interrupted) => this.#failedStep(error, interrupted),
    });
    this.#watchDeadline();
    this.kick();
  }

  get pod(): Pod {
    return this.#pod;
  }

  get runtime(): RuntimePod {
    return this.#runtime.seen;
  }

  /** A newer object of the same pod. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    this.#context.statuses.seen(pod);
    if (!isDeepStrictEqual(before.spec, pod.spec)) this.#gate.reset();
    if (before.spec.activeDeadlineSeconds !== pod.spec.activeDeadlineSeconds) this.#watchDeadline();
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    const hastened = deletionTimestamp !== before.metadata.deletionTimestamp || deletionGracePeriodSeconds !== before.metadata.deletionGracePeriodSeconds;
    if (hastened && deletionTimestamp !== undefined) this.#hurry(before);
    this.kick();
  }

  /** The object is gone from the API without the kubelet's doing. */
  removed(): void {
    if (this.#deleted) return;
    const before = this.#pod;
    this.#deleted = true;
    this.#context.statuses.forget(before.metadata.uid as string);
    const { deletionTimestamp = formatTime(this.#context.clock.now()) } = before.metadata;
    this.#pod = { ...before, metadata: { ...before.metadata, deletionTimestamp, deletionGracePeriodSeconds: FORCED_GRACE_SECONDS } };
    this.#hurry(before);
    this.kick();
  }

  /** The main process of one of the pod's containers, or of its sandbox, has exited. */
  exited(id: string, early = false): void {
    this.#runtime
      .lookForExit(this.#pod, id, { early, onLook: () => this.kick(), stopped: () => this.#loop.stopped })
      .catch((error: unknown) => this.#context.log.warn("exited container cannot be looked at", { id, error })); // the next list shows it
  }

  /** The runtime has cleaned up after an exit. */
  reaped(id: string): void {
    this.#runtime.reaped(id);
  }

  /** Compares with what lists of the runtime show; looks closer where they differ. */
  async compare(listed: Listed = { sandboxes: [], containers: [] }): Promise<void> {
    for (const id of this.#runtime.differing(listed)) {
      await this.#runtime.look(this.#pod, id);
      this.kick();
    }
    if ([...listed.sandboxes, ...listed.containers].every(({ id }) => this.#runtime.knows(id))) return;
    this.#runtime.doubt();
    this.kick();
  }

  /** Ends the pod as failed: out of time, or not to be run here. */
  fail(verdict: PodVerdict): void {
    this.#verdict ??= verdict;
    this.#loop.interrupt();
    this.kick();
  }

  /** Brings files of the pod's volumes up to date. */
  async refreshVolumes(): Promise<void> {
    if (this.#stage === "running" && this.#volumes !== undefined) await this.#context.volumes.refresh(this.#view());
  }

  kick(): void {
    this.#loop.kick();
  }

  /** Leaves the pod as it is: the kubelet stops, its pods do not. */
  stop(): void {
    this.#loop.stop();
    this.#deadline?.cancel();
    for (const { id } of this.runtime.containers) this.#context.probes.stop(id);
  }

  async #step(signal: AbortSignal): Promise<void> {
    if (this.#stage === "gone") return;
    await this.#runtime.settle(this.#pod);
    const phase = this.#pod.status?.phase;
    const over = phase === "Succeeded" || phase === "Failed";
    const leaves = this.#pod.metadata.deletionTimestamp !== undefined || this.#verdict !== undefined;
    if (this.#stage === "running" && !leaves && !over) return this.#sync(signal);
    if (this.#stage === "running") this.#stage = "terminating";
    // A call of an earlier kubelet may have come to its end since.
    if (this.#stage === "terminating" || this.#runtime.isAlive) await this.#terminate();
    if (this.#pod.metadata.deletionTimestamp !== undefined) await this.#leave();
  }

  #failedStep(error: unknown, interrupted: boolean): void {
    this.#runtime.doubt();
    if (!interrupted && !(error instanceof StepFailed)) this.#context.log.warn("pod sync failed", { pod: this.#name, error });
    this.#publish();
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const { probes } = this.#context;
    this.#publish();
    const actions = computePodActions({ pod: this.#pod, runtime: this.runtime, probes: (id) => probes.verdicts(id) });
    if (actions.killPod && !actions.createSandbox) {
      this.#stage = "terminating";
      return this.#terminate();
    }
    const old = actions.killPod ? await this.#clearSandboxes() : [];
    for (const kill of actions.kill) await this.#kill(kill);
    signal.throwIfAborted();
    const volumes = this.#volumes === undefined ? this.#mountVolumes() : Promise.resolve();
    volumes.catch(() => undefined); // it may fail while nobody waits for it yet
    // A volume that waits for a user's object keeps the pod without a sandbox, and so without an address.
    if (!actions.createSandbox || !areCertain(this.#pod.spec.volumes)) await volumes;
    try {
      await this.#startAll(actions, volumes, signal);
    } finally {
      await volumes.catch(() => undefined);
    }
    this.#probeRunning();
    this.#publish();
    for (const id of old) await this.#context.runtime.removePodSandbox(id);
  }

  async #mountVolumes(): Promise<void> {
    const { volumes, recorder, cgroups } = this.#context;
    cgroups.ensure(this.#pod);
    try {
      this.#volumes = await volumes.mount(this.#view());
    } catch (error) {
      if (!(error instanceof VolumeSetupError)) throw error;
      recorder.record(referenceTo(PODS, this.#pod), "Warning", "FailedMount", error.message);
      throw new StepFailed();
    }
  }

  /**
   * Takes down sandboxes that cannot be used any more.
   *
   * @returns those that are still to be removed: that can wait until the new one runs. After a step that fails, they go with the pod
   */
  async #clearSandboxes(): Promise<readonly string[]> {
    const { sandboxes } = this.runtime;
    if (sandboxes.length === 0) return [];
    const message = "Pod sandbox changed, it will be killed and re-created.";
    this.#context.recorder.record(referenceTo(PODS, this.#pod), "Normal", "SandboxChanged", message);
    await this.#killRunning(graceSecondsOf(this.#pod));
    for (const { id } of sandboxes) {
      await this.#runtime.stopSandbox(id);
      this.#runtime.forgetSandbox(id);
    }
    return sandboxes.map(({ id }) => id);
  }

  async #startAll(actions: PodActions, volumes: Promise<void>, signal: AbortSignal): Promise<void> {
    const names = [...actions.startEphemeral, ...actions.startInit, ...actions.startMain];
    const wanted = names.map((name) => this.#container(name) as PodContainer).filter((container) => this.#mayStart(container));
    const config = this.#sandboxConfig(actions.attempt);
    const first = wanted[0];
    // The image is looked for, and volumes are made, while the sandbox is.
    const image = first === undefined ? undefined : ensureImage(this.#context, this.#pod, first, config);
    image?.catch(() => undefined);
    const sandboxId = actions.createSandbox ? await this.#createSandbox(config) : actions.sandboxId;
    if (sandboxId === undefined) return;
    await volumes;
    for (const container of wanted) {
      signal.throwIfAborted();
      const found = container === first && image !== undefined ? image : ensureImage(this.#context, this.#pod, container, config);
      await this.#start({ container, sandboxId, config, image: interruptible(found, signal) }, signal);
    }
  }

  #mayStart(container: PodContainer): boolean {
    const waitMs = this.#gate.waitMs(this.#pod, container, latestRun(this.runtime, container.spec.name));
    if (waitMs > 0) this.#loop.kickAfter(waitMs);
    return waitMs === 0;
  }

  async #createSandbox(config: SandboxConfig): Promise<string> {
    const { runtime, recorder } = this.#context;
    try {
      const id = await runtime.runPodSandbox(config, config.portMappings.length > 0 ? HOST_PORT_HANDLER : undefined);
      await this.#runtime.lookAtSandbox(id);
      return id;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      recorder.record(referenceTo(PODS, this.#pod), "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${text}`);
      throw new StepFailed();
    }
  }

  async #start({ container, sandboxId, config, image }: Start, signal: AbortSignal): Promise<void> {
    const { name } = container.spec;
    const previous = latestRun(this.runtime, name);
    const targetName = this.#pod.spec.ephemeralContainers?.find((ephemeral) => ephemeral.name === name)?.targetContainerName;
    const targetId = targetName ? latestRun(this.runtime, targetName)?.id : undefined;
    const made = { sandboxId, sandboxConfig: config, podIps: this.#ips(), volumes: this.#volumes ?? new Map<string, string>() };
    try {
      // Only the wait for the image is given up: a container that is being made must not be lost sight of.
      const id = await startContainer(this.#context, { ...made, pod: this.#pod, container, restartCount: this.#nextRestartCount(name), image, targetId });
      this.#gate.made(this.#pod, container, previous);
      this.#gate.started(name);
      await this.#runtime.lookAtContainer(this.#pod, id);
      if (this.#context.exitedEarly(id)) this.exited(id, true);
      await this.#postStart(container, id, signal);
      await this.#runtime.removeOldRuns(this.#pod, name);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#runtime.doubt();
      if (error.containerId !== undefined) {
        this.#gate.made(this.#pod, container, previous);
        await this.#runtime.lookAtContainer(this.#pod, error.containerId);
      }
      this.#loop.kickAfter(this.#gate.failed(name, error));
    }
  }

  #nextRestartCount(name: string): number {
    const run = latestRun(this.runtime, name);
    if (run !== undefined) return run.restartCount + 1;
    const { containerStatuses = [], initContainerStatuses = [] } = this.#pod.status ?? {};
    const known = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name);
    return known?.containerID === undefined ? 0 : known.restartCount + 1;
  }

  async #postStart(container: PodContainer, id: string, signal: AbortSignal): Promise<void> {
    const handler = container.spec.lifecycle?.postStart;
    if (handler === undefined) return;
    const { runtime, clock, recorder } = this.#context;
    try {
      await interruptible(runHook(handler, { container: container.spec, containerId: id, podIp: this.#ips()[0] ?? "", runtime, clock, signal }), signal);
    } catch (error) {
      signal.throwIfAborted();
      const text = error instanceof Error ? error.message : String(error);
      recorder.record(referenceTo(PODS, this.#pod, fieldPathOf(container)), "Warning", "FailedPostStartHook", "PostStartHook failed");
      await this.#kill({ id, name: container.spec.name, message: "FailedPostStartHook", reason: "" });
      throw new StartError("PostStartHookError", text);
    }
  }

  async #kill(kill: ContainerKill): Promise<void> {
    const run = this.runtime.containers.find(({ id }) => id === kill.id);
    if (run === undefined) return;
    const container = this.#container(kill.name);
    const { livenessProbe, startupProbe } = container?.spec ?? {};
    const probe = kill.reason === "livenessProbe" ? livenessProbe : kill.reason === "startupProbe" ? startupProbe : undefined;
    const graceSeconds = graceSecondsOf(this.#pod, probe?.terminationGracePeriodSeconds);
    const request = { pod: this.#pod, container, run, message: kill.message, graceSeconds, podIp: this.#ips()[0] ?? "" };
    await this.#runtime.endContainer(this.#pod, run.id, () => killContainer(this.#context, request));
  }

  /** Main containers at the same time, then sidecars from the last to the first, in what is left of the time. */
  async #killRunning(graceSeconds: number): Promise<void> {
    const { clock } = this.#context;
    const startedMs = clock.monotonic();
    const podIp = this.#ips()[0] ?? "";
    const alive = this.runtime.containers.filter(({ state }) => state !== "exited");
    const sidecars = (this.#pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const stop = async (run: RuntimeContainer) => {
      const leftSeconds = Math.max(Math.min(1, graceSeconds), graceSeconds - Math.floor((clock.monotonic() - startedMs) / 1000));
      const message = `Stopping container ${run.name}`;
      const request = { pod: this.#pod, container: this.#container(run.name), run, message, graceSeconds: leftSeconds, podIp };
      await this.#runtime.endContainer(this.#pod, run.id, () => killContainer(this.#context, request));
    };
    await allDone(alive.filter(({ name }) => !sidecars.includes(name)).map(stop));
    for (const name of sidecars.reverse()) {
      for (const run of alive.filter((candidate) => candidate.name === name)) await stop(run);
    }
  }

  /** A deletion that came or was brought forward: what a step waits for is given up, a stop under way is shortened. */
  #hurry(before: Pod): void {
    this.#loop.interrupt();
    const grace = this.#pod.metadata.deletionGracePeriodSeconds;
    const was = before.metadata.deletionGracePeriodSeconds;
    if (this.#stage !== "terminating" || grace === undefined || was === undefined || grace >= was) return;
    for (const { id } of this.runtime.containers.filter(({ state }) => state === "running")) {
      stopQuietly(this.#context, id, grace).catch((error: unknown) => this.#context.log.debug("shortened stop failed", { id, error }));
    }
  }

  /** Stops all containers and sandboxes, and shows how it ended. */
  async #terminate(): Promise<void> {
    this.#publish();
    await this.#killRunning(graceSecondsOf(this.#pod));
    for (const { id, ready } of this.runtime.sandboxes) if (ready) await this.#runtime.stopSandbox(id);
    for (const { id } of this.runtime.containers) this.#context.probes.stop(id);
    this.#deadline?.cancel();
    this.#stage = "ended";
    this.#publish();
    if (this.#pod.metadata.deletionTimestamp === undefined) await this.#releaseVolumes();
  }

  /** The last step of a deleted pod: all that it had on the node goes, then its object. */
  async #leave(): Promise<void> {
    const { statuses, cgroups, clock, config, restarts, images, finished } = this.#context;
    const uid = this.#pod.metadata.uid as string;
    await this.#releaseVolumes();
    await statuses.flushed(uid);
    if (!this.#deleted) await this.#deleteObject();
    for (const run of this.runtime.containers) await this.#runtime.removeRun(this.#pod, run);
    for (const { id } of this.runtime.sandboxes) await this.#runtime.removeSandbox(id);
    await clearCgroup(cgroups, podCgroup(config.cgroupRoot, this.#pod), clock);
    rmSync(podLogDir(config.podLogsDir, this.#pod), { recursive: true, force: true });
    restarts.forget(`${uid}/`);
    images.forget(uid);
    statuses.forget(uid);
    this.#stage = "gone";
    finished(this.#pod);
  }

  async #deleteObject(): Promise<void> {
    const { namespace, name, uid } = this.#pod.metadata;
    this.#deleted = true;
    try {
      await this.#context.client.delete(PODS, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid: uid as string } });
    } catch (error) {
      // NotFound: done already. Conflict: another pod has the name now.
      if (isStatus(error, "NotFound", "Conflict")) return;
      this.#deleted = false;
      throw error;
    }
  }

  async #releaseVolumes(): Promise<void> {
    await this.#context.volumes.unmount(this.#pod.metadata.uid as string);
    this.#volumes = undefined;
  }

  #probeRunning(): void {
    const { probes, recorder } = this.#context;
    for (const container of containersOf(this.#pod)) {
      const run = latestRun(this.runtime, container.spec.name);
      if (run?.state !== "running") continue;
      const tell = (message: string) => recorder.record(referenceTo(PODS, this.#pod, fieldPathOf(container)), "Warning", "Unhealthy", message);
      probes.watch({ pod: this.#pod, container, run, podIp: this.#ips()[0] ?? "", adopted: this.#adopted.has(run.id), tell, changed: () => this.kick() });
    }
  }

  /** Sends the pod's status on its way. */
  #publish(): void {
    if (this.#deleted) return;
    const { probes, node, clock, statuses } = this.#context;
    this.#status = computePodStatus({
      pod: this.#seenPod(),
      runtime: this.runtime,
      reasons: this.#gate.reasons,
      health: (container, id) => probes.health(container, id),
      nodeIps: node.ips,
      startTime: this.#startTime,
      terminal: this.#stage === "ended",
      verdict: this.#verdict,
      nowMs: clock.now(),
    });
    statuses.set(this.#pod, this.#status);
  }

  /** The object with the status that we last gave it, which the informer may not show yet; foreign conditions are the informer's. */
  #seenPod(): Pod {
    const { status } = this.#pod;
    if (this.#status === undefined) return this.#pod;
    const own = this.#status.conditions ?? [];
    const foreign = (status?.conditions ?? []).filter(({ type }) => !own.some((condition) => condition.type === type));
    return { ...this.#pod, status: { ...status, ...this.#status, conditions: [...own, ...foreign] } };
  }

  #container(name: string): PodContainer | undefined {
    return containersOf(this.#pod).find(({ spec }) => spec.name === name);
  }

  #view() {
    const { node } = this.#context;
    return { pod: this.#pod, hostIps: node.ips, podIps: this.#ips(), allocatable: node.allocatable };
  }

  #ips(): readonly string[] {
    return podIps({ pod: this.#pod, runtime: this.runtime, nodeIps: this.#context.node.ips });
  }

  #sandboxConfig(attempt: number): SandboxConfig {
    const { dns, config } = this.#context;
    return sandboxConfig(this.#pod, { attempt, dns, podLogsDir: config.podLogsDir, cgroupParent: podCgroup(config.cgroupRoot, this.#pod) });
  }

  #watchDeadline(): void {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    this.#deadline?.cancel();
    if (seconds === undefined) return;
    const { clock, recorder } = this.#context;
    const leftMs = Date.parse(this.#startTime) + seconds * 1000 - clock.now();
    this.#deadline = clock.after(Math.max(0, leftMs), () => {
      const message = "Pod was active on the node longer than the specified deadline";
      recorder.record(referenceTo(PODS, this.#pod), "Normal", "DeadlineExceeded", message);
      this.fail({ reason: "DeadlineExceeded", message });
    });
  }

  get #name(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }
}

interface Start {
  readonly container: PodContainer;
  readonly sandboxId: string;
  readonly config: SandboxConfig;
  readonly image: ReturnType<typeof ensureImage>;
}

/** A step that failed and has told so in an event. */
class StepFailed extends Error {
  override readonly name = "StepFailed";
}
