import type { Container, Pod, SeccompProfile } from "#api/core-v1/types.ts";
import {
  type ContainerConfig,
  type CriMount,
  type Image,
  NAMESPACE_TARGET,
  PROFILE_LOCALHOST,
  PROFILE_RUNTIME_DEFAULT,
  PROFILE_UNCONFINED,
  type SecurityProfile,
} from "#kubelet/cri/types.ts";

import { containerHash, type PodContainer } from "./containers.ts";
import { ContainerConfigError, type Env } from "./env.ts";
import { expand } from "./expand.ts";
import { LABEL } from "./labels.ts";
import { CPU_PERIOD_US, containerResources, oomScoreAdjust } from "./resources.ts";
import { namespaceOptions, supplementalGroups } from "./sandbox-config.ts";

export interface ContainerOptions {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly restartCount: number;
  readonly image: Image;
  readonly env: Env;
  readonly mounts: readonly CriMount[];
  readonly nodeMemoryBytes: number;
  /** Folder of localhost seccomp profiles. */
  readonly seccompDir: string;
  /** An ephemeral container's target, by container id. */
  readonly targetId?: string | undefined;
}

const MASKED = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** A log's path below its pod's folder. */
export function containerLogPath(name: string, restartCount: number): string {
  return `${name}/${restartCount}.log`;
}

/**
 * What the runtime is to make of a container's spec.
 *
 * @throws {ContainerConfigError} when the image's user breaks runAsNonRoot
 * @see pkg/kubelet/kuberuntime/kuberuntime_container.go generateContainerConfig
 */
export function containerConfig(options: ContainerOptions): ContainerConfig {
  const { pod, container, restartCount, image, env, mounts } = options;
  const { spec } = container;
  const expanded = (texts: readonly string[] = []) => texts.map((text) => expand(text, (name) => env.get(name)));
  const { name, workingDir = "", stdin = false, stdinOnce = false, tty = false } = spec;
  return {
    metadata: { name, attempt: restartCount },
    image: { image: image.id, userSpecifiedImage: spec.image ?? "" },
    command: expanded(spec.command),
    args: expanded(spec.args),
    workingDir,
    envs: [...env].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts,
    devices: [],
    labels: containerLabels(pod, name),
    annotations: containerAnnotations(pod, spec, restartCount),
    logPath: containerLogPath(name, restartCount),
    stdin,
    stdinOnce,
    tty,
    linux: { resources: linuxResources(options), securityContext: securityContext(options) },
  };
}

function containerLabels({ metadata }: Pod, name: string): Record<string, string> {
  return {
    [LABEL.podName]: metadata.name,
    [LABEL.podNamespace]: metadata.namespace ?? "default",
    [LABEL.podUid]: metadata.uid as string,
    [LABEL.containerName]: name,
  };
}

function containerAnnotations({ spec }: Pod, container: Container, restartCount: number): Record<string, string> {
  const { terminationMessagePath = "/dev/termination-log", terminationMessagePolicy = "File" } = container;
  return {
    [LABEL.containerHash]: containerHash(container),
    [LABEL.restartCount]: String(restartCount),
    [LABEL.terminationMessagePath]: terminationMessagePath,
    [LABEL.terminationMessagePolicy]: terminationMessagePolicy,
    [LABEL.podTerminationGracePeriod]: String(spec.terminationGracePeriodSeconds ?? 30),
  };
}

function linuxResources({ pod, container, nodeMemoryBytes }: ContainerOptions): ContainerConfig["linux"]["resources"] {
  const { cpuShares, cpuQuota, memoryBytes } = containerResources(container.spec);
  return {
    cpuShares,
    ...(cpuQuota !== undefined && { cpuQuota, cpuPeriod: CPU_PERIOD_US }),
    ...(memoryBytes !== undefined && { memoryLimitInBytes: memoryBytes }),
    oomScoreAdj: oomScoreAdjust(pod, container.spec, nodeMemoryBytes),
  };
}

function securityContext(options: ContainerOptions): ContainerConfig["linux"]["securityContext"] {
  const { pod, container, image, seccompDir, targetId } = options;
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.spec.securityContext ?? {};
  const privileged = own.privileged === true;
  const user = own.runAsUser ?? ofPod.runAsUser;
  const group = own.runAsGroup ?? ofPod.runAsGroup;
  checkNonRoot(options, own.runAsNonRoot ?? ofPod.runAsNonRoot ?? false, user);
  const unmasked = own.procMount === "Unmasked" || privileged;
  const runAsUser = user ?? imageUid(image);
  return {
    capabilities: { addCapabilities: own.capabilities?.add ?? [], dropCapabilities: own.capabilities?.drop ?? [] },
    privileged,
    namespaceOptions: { ...namespaceOptions(pod), ...(targetId !== undefined && { pid: NAMESPACE_TARGET, targetId }) },
    ...(runAsUser !== undefined ? { runAsUser: { value: runAsUser } } : image.username !== "" && { runAsUsername: image.username }),
    ...(group !== undefined && { runAsGroup: { value: group } }),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    supplementalGroups: supplementalGroups(pod),
    noNewPrivs: own.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : MASKED,
    readonlyPaths: unmasked ? [] : READ_ONLY,
    seccomp: seccompProfile(privileged ? undefined : (own.seccompProfile ?? ofPod.seccompProfile), seccompDir),
  };
}

/** @see pkg/kubelet/kuberuntime/security_context.go verifyRunAsNonRoot */
function checkNonRoot({ pod, container, image }: ContainerOptions, nonRoot: boolean, user: number | undefined): void {
  if (!nonRoot) return;
  const { name, namespace, uid } = pod.metadata;
  const where = `(pod: "${name}_${namespace}(${uid})", container: ${container.spec.name})`;
  if (user !== undefined) {
    if (user === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  const imageUser = imageUid(image);
  if (imageUser === 0) throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  if (imageUser === undefined) {
    throw new ContainerConfigError(`container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`);
  }
}

/** The image's user by number; an image that names none runs as root. */
function imageUid({ uid, username }: Image): number | undefined {
  return uid?.value ?? (username === "" ? 0 : undefined);
}

function seccompProfile(profile: SeccompProfile | undefined, seccompDir: string): SecurityProfile {
  if (profile?.type === "RuntimeDefault") return { profileType: PROFILE_RUNTIME_DEFAULT };
  if (profile?.type === "Localhost") return { profileType: PROFILE_LOCALHOST, localhostRef: `${seccompDir}/${profile.localhostProfile ?? ""}` };
  return { profileType: PROFILE_UNCONFINED };
}
