import { rmSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { PODS } from "#api/builtin.ts";
import type { Pod, PodStatus } from "#api/core-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo } from "#client/event-recorder.ts";
import type { SandboxConfig } from "#kubelet/cri/types.ts";
import { HOST_PORT_HANDLER } from "#kubelet/runtime/containerd-config.ts";
import type { WaitingReason } from "#kubelet/status/container-statuses.ts";
import { computePodStatus, podIps, type PodVerdict } from "#kubelet/status/pod-status.ts";
import type { MountedVolumes } from "#kubelet/volume/volume-manager.ts";
import { VolumeSetupError } from "#kubelet/volume/volume-manager.ts";
import { formatTime, sleep, type Timer } from "#lib/clock.ts";

import { goDuration } from "./backoff.ts";
import { type ContainerKill, computePodActions, type PodActions } from "./compute-actions.ts";
import { graceSecondsOf, killContainer, stopQuietly } from "./container-killer.ts";
import { ensureImage, logLinkName, messageFileOf, startContainer, StartError } from "./container-starter.ts";
import { containerHash, containersOf, fieldPathOf, isSidecar, type PodContainer } from "./containers.ts";
import { runHook } from "./hooks.ts";
import type { PodContext } from "./pod-context.ts";
import { podCgroup } from "./cgroups.ts";
import {
  latestRun,
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
import { podLogDir, sandboxConfig } from "./sandbox-config.ts";
import { terminationMessage } from "./termination-message.ts";

/** A pod goes through these in this order, never back. */
type Stage = "running" | "terminating" | "ended" | "gone";

const RETRY_MS = 1000;
const MAX_RETRY_MS = 10_000;
/** After a failed pull the pod soon shows that it waits for the next one. */
const SHOW_BACKOFF_MS = 1500;
const FIRST_LOOK_MS = 4;
const LAST_LOOK_MS = 2000;
/** Grace of a pod whose object is gone already. */
const FORCED_GRACE_SECONDS = 1;

/** Brings one pod from what runs to what its object says, one step at a time; the newest object counts. */
export class PodWorker {
  readonly #context: PodContext;
  readonly #startTime: string;
  readonly #adopted: ReadonlySet<string>;
  readonly #reasons = new Map<string, WaitingReason>();
  /** When a container that did not start is tried again. */
  readonly #notBefore = new Map<string, number>();
  #pod: Pod;
  #runtime: RuntimePod;
  #status: PodStatus | undefined;
  #volumes: MountedVolumes | undefined;
  #verdict: PodVerdict | undefined;
  #stage: Stage = "running";
  #deleted = false;
  #dirty = false;
  #looping = false;
  #retries = 0;
  #retry: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #deadline: Timer | undefined;
  #interrupt = new AbortController();
  #stopped = false;

  /** @param runtime what the runtime has of the pod from before the kubelet's start */
  constructor(pod: Pod, context: PodContext, runtime: RuntimePod = NOTHING_RUNS) {
    this.#pod = pod;
    this.#context = context;
    this.#runtime = runtime;
    this.#adopted = new Set(runtime.containers.map(({ id }) => id));
    this.#startTime = pod.status?.startTime ?? formatTime(context.clock.now());
    this.#watchDeadline();
    this.kick();
  }

  get pod(): Pod {
    return this.#pod;
  }

  get runtime(): RuntimePod {
    return this.#runtime;
  }

  /** A newer object of the same pod. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    this.#context.statuses.seen(pod);
    if (!isDeepStrictEqual(before.spec, pod.spec)) this.#notBefore.clear();
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

  /** Something of the pod has changed in the runtime. */
  async changed(containerId: string): Promise<void> {
    if (this.#runtime.sandboxes.some(({ id }) => id === containerId)) await this.#refreshSandbox(containerId);
    else if (this.#runtime.containers.some(({ id }) => id === containerId)) await this.#refreshContainer(containerId);
    this.kick();
  }

  /** A process has exited, which CRI's own view may show a moment later than the event. */
  async exited(containerId: string): Promise<void> {
    for (let waitMs = FIRST_LOOK_MS; waitMs < LAST_LOOK_MS; waitMs *= 2) {
      await this.changed(containerId);
      const { containers, sandboxes } = this.#runtime;
      const alive =
        containers.some(({ id, state }) => id === containerId && state === "running") || sandboxes.some(({ id, ready }) => id === containerId && ready);
      if (!alive || this.#stopped) return;
      await sleep(this.#context.clock, waitMs);
    }
  }

  /** Compares with what a list of the runtime shows; looks closer where they differ. */
  async compare(listed: ReadonlyMap<string, RuntimeContainer["state"]>, readySandboxes: ReadonlySet<string>): Promise<void> {
    const stale = this.#runtime.containers.filter(({ id, state }) => listed.get(id) !== state);
    const lost = this.#runtime.sandboxes.filter(({ id, ready }) => ready && !readySandboxes.has(id));
    for (const { id } of [...stale, ...lost]) await this.changed(id);
  }

  /** Ends the pod as failed: evicted, rejected, out of time. */
  fail(verdict: PodVerdict): void {
    this.#verdict ??= verdict;
    this.#interrupt.abort();
    this.kick();
  }

  /** Brings files of the pod's volumes up to date. */
  async refreshVolumes(): Promise<void> {
    if (this.#stage === "running" && this.#volumes !== undefined) await this.#context.volumes.refresh(this.#view());
  }

  kick(): void {
    this.#dirty = true;
    if (!this.#looping && !this.#stopped) void this.#loop();
  }

  /** Leaves the pod as it is: the kubelet stops, its pods do not. */
  stop(): void {
    this.#stopped = true;
    this.#interrupt.abort();
    this.#retry?.timer.cancel();
    this.#deadline?.cancel();
    for (const { id } of this.#runtime.containers) this.#context.probes.stop(id);
  }

  async #loop(): Promise<void> {
    this.#looping = true;
    await null; // A step never begins inside an informer's handler.
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      try {
        await this.#step();
        this.#retries = 0;
      } catch (error) {
        if (this.#stopped) break;
        if (!this.#interrupt.signal.aborted) this.#failedStep(error);
        this.#publish();
      }
    }
    this.#looping = false;
  }

  #failedStep(error: unknown): void {
    const { log } = this.#context;
    if (!(error instanceof StepFailed)) log.warn("pod sync failed", { pod: this.#name, error });
    this.#retryAfter(Math.min(RETRY_MS * 2 ** this.#retries++, MAX_RETRY_MS));
  }

  async #step(): Promise<void> {
    if (this.#stage === "gone") return;
    const phase = this.#pod.status?.phase;
    const over = phase === "Succeeded" || phase === "Failed";
    const leave = this.#pod.metadata.deletionTimestamp !== undefined || this.#verdict !== undefined;
    if (this.#stage === "running" && !leave && !over) return this.#sync();
    this.#interrupt = new AbortController();
    if (this.#stage === "running") this.#stage = "terminating";
    if (this.#stage === "terminating") await this.#terminate();
    if (this.#pod.metadata.deletionTimestamp !== undefined) await this.#leave();
  }

  async #sync(): Promise<void> {
    this.#interrupt = new AbortController();
    const { cgroups, probes } = this.#context;
    this.#publish();
    const actions = computePodActions({ pod: this.#pod, runtime: this.#runtime, probes: (id) => probes.verdicts(id) });
    if (actions.killPod && !actions.createSandbox) return this.#end();
    if (actions.killPod) await this.#replaceSandbox(actions);
    for (const kill of actions.kill) await this.#kill(kill);
    this.#checkInterrupt();
    if (actions.startInit.length + actions.startMain.length + actions.startEphemeral.length > 0 || this.#volumes === undefined) {
      cgroups.ensure(this.#pod);
      await this.#mountVolumes();
    }
    await this.#startAll(actions);
    this.#probeRunning();
    this.#publish();
  }

  /** Nothing is left to be run: what is there is stopped, and the phase shows how it went. */
  async #end(): Promise<void> {
    this.#stage = "terminating";
    await this.#terminate();
  }

  async #mountVolumes(): Promise<void> {
    if (this.#volumes !== undefined) return;
    const { volumes, recorder } = this.#context;
    try {
      this.#volumes = await volumes.mount(this.#view());
    } catch (error) {
      if (!(error instanceof VolumeSetupError)) throw error;
      recorder.record(referenceTo(PODS, this.#pod), "Warning", "FailedMount", error.message);
      throw new StepFailed();
    }
  }

  async #replaceSandbox({ sandboxId, attempt }: PodActions): Promise<void> {
    const old = this.#runtime.sandboxes;
    if (old.length === 0) return;
    if (attempt > 0 || sandboxId !== undefined) {
      const message = "Pod sandbox changed, it will be killed and re-created.";
      this.#context.recorder.record(referenceTo(PODS, this.#pod), "Normal", "SandboxChanged", message);
    }
    await this.#killRunning(graceSecondsOf(this.#pod));
    for (const { id } of old) await this.#stopSandbox(id);
    for (const { id } of old) await this.#removeSandbox(id);
  }

  async #startAll(actions: PodActions): Promise<void> {
    const names = [...actions.startEphemeral, ...actions.startInit, ...actions.startMain];
    const wanted = names
      .map((name) => containersOf(this.#pod).find(({ spec }) => spec.name === name) as PodContainer)
      .filter((container) => !this.#backsOff(container));
    const config = this.#sandboxConfig(actions.attempt);
    const first = wanted[0];
    // The image is looked for while the sandbox is made.
    const image = first === undefined ? undefined : ensureImage(this.#context, this.#pod, first, config);
    image?.catch(() => undefined);
    const sandboxId = actions.createSandbox ? await this.#createSandbox(config) : actions.sandboxId;
    if (sandboxId === undefined) return;
    for (const container of wanted) {
      this.#checkInterrupt();
      const found = container === first && image !== undefined ? image : ensureImage(this.#context, this.#pod, container, config);
      await this.#start(container, sandboxId, config, found);
    }
  }

  async #createSandbox(config: SandboxConfig): Promise<string> {
    const { runtime, recorder } = this.#context;
    try {
      const id = await runtime.runPodSandbox(config, config.portMappings.length > 0 ? HOST_PORT_HANDLER : undefined);
      await this.#refreshSandbox(id);
      return id;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      recorder.record(referenceTo(PODS, this.#pod), "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${text}`);
      throw new StepFailed();
    }
  }

  /** Whether a crashed container must wait; tells so. */
  #backsOff(container: PodContainer): boolean {
    const run = latestRun(this.#runtime, container.spec.name);
    const { clock, restarts, recorder } = this.#context;
    if ((this.#notBefore.get(container.spec.name) ?? 0) > clock.monotonic()) return true;
    if (run?.state !== "exited") return false;
    const { name, namespace, uid } = this.#pod.metadata;
    const key = this.#backoffKey(container);
    const remainingMs = restarts.remainingSince(key, run.finishedMs, clock.now());
    if (remainingMs === 0) return false;
    const where = `pod ${name}_${namespace}(${uid})`;
    if (this.#reasons.get(container.spec.name)?.reason !== "CrashLoopBackOff") {
      recorder.record(
        referenceTo(PODS, this.#pod, fieldPathOf(container)),
        "Warning",
        "BackOff",
        `Back-off restarting failed container ${container.spec.name} in ${where}`,
      );
    }
    const message = `back-off ${goDuration(restarts.get(key))} restarting failed container=${container.spec.name} pod=${name}_${namespace}(${uid})`;
    this.#reasons.set(container.spec.name, { reason: "CrashLoopBackOff", message });
    this.#retryAfter(remainingMs);
    return true;
  }

  #backoffKey({ spec }: PodContainer): string {
    return `${this.#pod.metadata.uid}/${spec.name}/${containerHash(spec)}`;
  }

  /** A restart counts once a container is made: one that waits for its image has not crashed again. */
  #countRestart(container: PodContainer, previous: RuntimeContainer | undefined): void {
    const { restarts, clock } = this.#context;
    if (previous?.state === "exited") restarts.next(this.#backoffKey(container), previous.finishedMs, clock.now());
  }

  async #start(container: PodContainer, sandboxId: string, config: SandboxConfig, image: ReturnType<typeof ensureImage>): Promise<void> {
    const { name } = container.spec;
    const restartCount = this.#nextRestartCount(name);
    const previous = latestRun(this.#runtime, name);
    const targetName = this.#pod.spec.ephemeralContainers?.find((ephemeral) => ephemeral.name === name)?.targetContainerName;
    const targetId = targetName ? latestRun(this.#runtime, targetName)?.id : undefined;
    try {
      const request = {
        pod: this.#pod,
        container,
        restartCount,
        sandboxId,
        sandboxConfig: config,
        podIps: this.#ips(),
        volumes: this.#volumes ?? new Map(),
        targetId,
      };
      // Only the wait for the image is given up: a container that is being made must not be lost sight of.
      const id = await startContainer(this.#context, { ...request, image: this.#interruptible(image) });
      this.#countRestart(container, previous);
      this.#reasons.delete(name);
      this.#notBefore.delete(name);
      await this.#refreshContainer(id);
      if (this.#context.exitedEarly(id)) void this.exited(id);
      await this.#postStart(container, id);
      await this.#removeOldRuns(name);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#reasons.set(name, { reason: error.reason, message: error.message });
      if (error.containerId !== undefined) {
        this.#countRestart(container, previous);
        await this.#refreshContainer(error.containerId);
      }
      const soon = error.reason === "ErrImagePull" || error.containerId !== undefined;
      const delayMs = soon ? SHOW_BACKOFF_MS : (error.retryAfterMs ?? MAX_RETRY_MS);
      this.#notBefore.set(name, this.#context.clock.monotonic() + delayMs);
      this.#retryAfter(delayMs);
    }
  }

  #nextRestartCount(name: string): number {
    const run = latestRun(this.#runtime, name);
    if (run !== undefined) return run.restartCount + 1;
    const known = [...(this.#pod.status?.containerStatuses ?? []), ...(this.#pod.status?.initContainerStatuses ?? [])].find((status) => status.name === name);
    return known?.containerID === undefined ? 0 : known.restartCount + 1;
  }

  async #postStart(container: PodContainer, id: string): Promise<void> {
    const handler = container.spec.lifecycle?.postStart;
    if (handler === undefined) return;
    const { runtime, clock, recorder } = this.#context;
    try {
      const hook = runHook(handler, {
        container: container.spec,
        containerId: id,
        podIp: this.#ips()[0] ?? "",
        runtime,
        clock,
        signal: this.#interrupt.signal,
      });
      await this.#interruptible(hook);
    } catch (error) {
      if (this.#interrupt.signal.aborted) throw error;
      const text = error instanceof Error ? error.message : String(error);
      recorder.record(referenceTo(PODS, this.#pod, fieldPathOf(container)), "Warning", "FailedPostStartHook", "PostStartHook failed");
      await this.#kill({ id, name: container.spec.name, message: "FailedPostStartHook", reason: "" });
      throw new StartError("PostStartHookError", text);
    }
  }

  /** Keeps the last run before the present one, for its log and last state. */
  async #removeOldRuns(name: string): Promise<void> {
    const old = this.#runtime.containers.filter((run) => run.name === name && run.state !== "running").slice(1);
    for (const run of old) await this.#removeRun(run);
  }

  async #removeRun(run: RuntimeContainer): Promise<void> {
    const { runtime, config } = this.#context;
    await runtime.removeContainer(run.id);
    rmSync(join(config.containerLogsDir, logLinkName(this.#pod, run.name, run.id)), { force: true });
    if (run.logPath !== "") rmSync(run.logPath, { force: true });
    this.#runtime = withoutContainer(this.#runtime, run.id);
  }

  async #kill(kill: ContainerKill): Promise<void> {
    const container = containersOf(this.#pod).find(({ spec }) => spec.name === kill.name);
    const probe = kill.reason === "livenessProbe" ? container?.spec.livenessProbe : kill.reason === "startupProbe" ? container?.spec.startupProbe : undefined;
    const run = this.#runtime.containers.find(({ id }) => id === kill.id);
    if (run === undefined) return;
    const graceSeconds = graceSecondsOf(this.#pod, probe?.terminationGracePeriodSeconds);
    await killContainer(this.#context, { pod: this.#pod, container, run, message: kill.message, graceSeconds, podIp: this.#ips()[0] ?? "" });
    await this.#refreshContainer(run.id);
  }

  /** Main containers at the same time, then sidecars from the last to the first, in what is left of the time. */
  async #killRunning(graceSeconds: number): Promise<void> {
    const { clock } = this.#context;
    const startedMs = clock.monotonic();
    const podIp = this.#ips()[0] ?? "";
    const alive = this.#runtime.containers.filter(({ state }) => state !== "exited");
    const specs = new Map(containersOf(this.#pod).map((container) => [container.spec.name, container]));
    const sidecars = (this.#pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const stop = async (run: RuntimeContainer) => {
      const leftSeconds = Math.max(Math.min(1, graceSeconds), graceSeconds - Math.floor((clock.monotonic() - startedMs) / 1000));
      const message = `Stopping container ${run.name}`;
      await killContainer(this.#context, { pod: this.#pod, container: specs.get(run.name), run, message, graceSeconds: leftSeconds, podIp });
      await this.#refreshContainer(run.id);
    };
    await Promise.all(alive.filter(({ name }) => !sidecars.includes(name)).map(stop));
    for (const name of sidecars.reverse()) {
      for (const run of alive.filter((candidate) => candidate.name === name)) await stop(run);
    }
  }

  /** A deletion that came or was brought forward: what a step waits for is given up, a stop under way is shortened. */
  #hurry(before: Pod): void {
    this.#interrupt.abort();
    const grace = this.#pod.metadata.deletionGracePeriodSeconds;
    const was = before.metadata.deletionGracePeriodSeconds;
    if (this.#stage !== "terminating" || grace === undefined || was === undefined || grace >= was) return;
    for (const { id } of this.#runtime.containers.filter(({ state }) => state === "running")) {
      stopQuietly(this.#context, id, grace).catch((error: unknown) => this.#context.log.debug("shortened stop failed", { id, error }));
    }
  }

  /** Stops all containers and sandboxes, and shows how it ended. */
  async #terminate(): Promise<void> {
    this.#publish();
    await this.#killRunning(graceSecondsOf(this.#pod));
    for (const { id, ready } of this.#runtime.sandboxes) if (ready) await this.#stopSandbox(id);
    for (const { id } of this.#runtime.containers) this.#context.probes.stop(id);
    this.#deadline?.cancel();
    this.#stage = "ended";
    this.#publish(true);
    if (this.#pod.metadata.deletionTimestamp === undefined) await this.#releaseVolumes();
  }

  /** The last step of a deleted pod: all that it had on the node goes, then its object. */
  async #leave(): Promise<void> {
    const { statuses, cgroups, config, restarts, images, finished } = this.#context;
    const uid = this.#pod.metadata.uid as string;
    await this.#releaseVolumes();
    await statuses.flushed(uid);
    if (!this.#deleted) await this.#deleteObject();
    for (const run of this.#runtime.containers) await this.#removeRun(run);
    for (const { id } of this.#runtime.sandboxes) await this.#removeSandbox(id);
    cgroups.remove(podCgroup(config.cgroupRoot, this.#pod));
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

  async #stopSandbox(id: string): Promise<void> {
    await this.#context.runtime.stopPodSandbox(id);
    await this.#refreshSandbox(id);
  }

  async #removeSandbox(id: string): Promise<void> {
    await this.#context.runtime.removePodSandbox(id);
    this.#runtime = withoutSandbox(this.#runtime, id);
  }

  async #refreshSandbox(id: string): Promise<void> {
    const status = await this.#context.runtime.podSandboxStatus(id);
    this.#runtime = status === undefined ? withoutSandbox(this.#runtime, id) : withSandbox(this.#runtime, runtimeSandbox(status));
  }

  async #refreshContainer(id: string): Promise<void> {
    const status = await this.#context.runtime.containerStatus(id);
    if (status === undefined) {
      this.#runtime = withoutContainer(this.#runtime, id);
      return;
    }
    const run = runtimeContainer(status);
    const spec = containersOf(this.#pod).find((container) => container.spec.name === run.name)?.spec;
    const messageFile = messageFileOf(this.#context.volumes.podDir(this.#pod.metadata.uid as string), run.name, run.restartCount);
    const known = this.#runtime.containers.find((candidate) => candidate.id === id);
    const ended = run.state === "exited" && known?.state !== "exited";
    const message =
      ended && spec !== undefined ? terminationMessage(spec, run.exitCode, messageFile, run.logPath) || run.message : (known?.message ?? run.message);
    if (run.state === "exited") this.#context.probes.stop(id);
    this.#runtime = withContainer(this.#runtime, { ...run, message });
  }

  #probeRunning(): void {
    const { probes, recorder } = this.#context;
    for (const container of containersOf(this.#pod)) {
      const run = latestRun(this.#runtime, container.spec.name);
      if (run?.state !== "running") continue;
      const tell = (message: string) => recorder.record(referenceTo(PODS, this.#pod, fieldPathOf(container)), "Warning", "Unhealthy", message);
      probes.watch({ pod: this.#pod, container, run, podIp: this.#ips()[0] ?? "", adopted: this.#adopted.has(run.id), tell, changed: () => this.kick() });
    }
  }

  /** Sends the pod's status on its way. */
  #publish(terminal = this.#stage === "ended"): void {
    if (this.#deleted) return;
    const { probes, node, clock, statuses } = this.#context;
    this.#status = computePodStatus({
      pod: this.#seenPod(),
      runtime: this.#runtime,
      reasons: this.#reasons,
      health: (container, id) => probes.health(container, id),
      nodeIps: node.ips,
      startTime: this.#startTime,
      terminal,
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

  #view() {
    const { node } = this.#context;
    return { pod: this.#pod, hostIps: node.ips, podIps: this.#ips(), allocatable: node.allocatable };
  }

  #ips(): readonly string[] {
    return podIps({ pod: this.#pod, runtime: this.#runtime, nodeIps: this.#context.node.ips });
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

  #retryAfter(delayMs: number): void {
    const { clock } = this.#context;
    const dueMs = clock.monotonic() + delayMs;
    if (this.#retry !== undefined && this.#retry.dueMs <= dueMs && this.#retry.dueMs > clock.monotonic()) return;
    this.#retry?.timer.cancel();
    this.#retry = { dueMs, timer: clock.after(delayMs, () => this.kick()) };
  }

  #checkInterrupt(): void {
    this.#interrupt.signal.throwIfAborted();
  }

  /** Waits for `work`, but no longer than until the pod is to go. */
  #interruptible<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#interrupt;
    work.catch(() => undefined);
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }

  get #name(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }
}

/** A step that failed and has told so in an event. */
class StepFailed extends Error {
  override readonly name = "StepFailed";
}
