import { mkdirSync, rmSync, symlinkSync, writeFileSync, chmodSync } from "node:fs";
import { join } from "node:path";

import { CONFIG_MAPS, PODS, SECRETS } from "#api/builtin.ts";
import type { ConfigMap, Pod, Secret } from "#api/core-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo } from "#client/event-recorder.ts";
import { GRPC_UNAVAILABLE, GrpcError } from "#lib/grpc/grpc-error.ts";
import type { CriMount, Image, SandboxConfig } from "#kubelet/cri/types.ts";
import { ImageError } from "#kubelet/image/image-manager.ts";
import type { MountedVolumes } from "#kubelet/volume/volume-manager.ts";

import { containerConfig, containerLogPath } from "./container-config.ts";
import { fieldPathOf, type PodContainer } from "./containers.ts";
import { hostsFile } from "./dns.ts";
import { ContainerConfigError, containerEnv, envReferences, serviceEnvironment, type EnvSources } from "./env.ts";
import { volumeMounts } from "./mounts.ts";
import type { PodContext } from "./pod-context.ts";
import { podLogDir } from "./sandbox-config.ts";

/** A container did not start; `reason` and message become its waiting state. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  /** What was created before the failure. */
  readonly containerId: string | undefined;

  constructor(reason: string, message: string, { retryAfterMs, containerId }: { retryAfterMs?: number | undefined; containerId?: string } = {}) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.containerId = containerId;
  }
}

export interface StartRequest {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly restartCount: number;
  readonly sandboxId: string;
  readonly sandboxConfig: SandboxConfig;
  readonly podIps: readonly string[];
  readonly volumes: MountedVolumes;
  readonly image: Promise<Image>;
  readonly targetId: string | undefined;
}

/** Where a run's termination message is written on the host. */
export function messageFileOf(podDir: string, name: string, restartCount: number): string {
  return join(podDir, "containers", name, String(restartCount));
}

/** Sets an image going; its failures are told in events here, and thrown as a StartError. */
export async function ensureImage(context: PodContext, pod: Pod, container: PodContainer, sandboxConfig: SandboxConfig): Promise<Image> {
  const about = referenceTo(PODS, pod, fieldPathOf(container));
  const tell = (type: "Normal" | "Warning", reason: string, message: string) => context.recorder.record(about, type, reason, message);
  try {
    return await context.images.ensure({ pod, container: container.spec, sandboxConfig, tell });
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    tell("Warning", "Failed", `Error: ${error.reason}`);
    throw new StartError(error.reason, error.message, { retryAfterMs: error.retryAfterMs });
  }
}

/**
 * Creates and starts a container.
 *
 * @returns its id
 * @throws {StartError} when it does not start; an event has told so
 * @throws {GrpcError} when the runtime went away meanwhile: what it has done is to be looked at when it is back
 */
export async function startContainer(context: PodContext, request: StartRequest): Promise<string> {
  const { pod, container, sandboxId, sandboxConfig } = request;
  const { recorder, runtime } = context;
  const image = await request.image;
  const about = referenceTo(PODS, pod, fieldPathOf(container));
  const failed = (reason: string, error: unknown, containerId?: string): Error => {
    if (error instanceof GrpcError && error.code === GRPC_UNAVAILABLE) return error;
    const text = error instanceof GrpcError ? error.description : error instanceof Error ? error.message : String(error);
    recorder.record(about, "Warning", "Failed", `Error: ${text}`);
    return new StartError(reason, text, { ...(containerId !== undefined && { containerId }) });
  };
  let config: ReturnType<typeof containerConfig>;
  try {
    config = await prepare(context, request, image);
  } catch (error) {
    throw failed(error instanceof ContainerConfigError ? error.reason : "CreateContainerConfigError", error);
  }
  let id: string;
  try {
    id = await runtime.createContainer(sandboxId, config, sandboxConfig);
  } catch (error) {
    throw failed("CreateContainerError", error);
  }
  recorder.record(about, "Normal", "Created", "Container created");
  try {
    await runtime.startContainer(id);
  } catch (error) {
    throw failed("RunContainerError", error, id);
  }
  recorder.record(about, "Normal", "Started", "Container started");
  linkLog(context, request, id);
  return id;
}

async function prepare(context: PodContext, request: StartRequest, image: Image): Promise<ReturnType<typeof containerConfig>> {
  const { pod, container, restartCount, podIps, volumes, targetId } = request;
  const { config, node, services } = context;
  const sources = await envSources(context, request);
  const namespace = pod.metadata.namespace ?? "default";
  const linked = [...services.inNamespace(namespace), ...(namespace === "default" ? [] : services.inNamespace("default"))];
  const view = { pod, hostIps: node.ips, podIps, allocatable: node.allocatable };
  const env = containerEnv(container.spec, sources, serviceEnvironment(pod, linked), view);
  const mounts = [...volumeMounts(container.spec, volumes, env), ...ownMounts(context, request)];
  mkdirSync(join(podLogDir(config.podLogsDir, pod), container.spec.name), { recursive: true });
  const seccompDir = join(config.kubeletDir, "seccomp");
  return containerConfig({ pod, container, restartCount, image, env, mounts, nodeMemoryBytes: node.memoryBytes, seccompDir, targetId });
}

/** The pod's hosts file and the file for the container's last words. */
function ownMounts({ config, volumes, hostsText }: PodContext, { pod, container, restartCount, podIps }: StartRequest): CriMount[] {
  const podDir = volumes.podDir(pod.metadata.uid as string);
  const taken = new Set((container.spec.volumeMounts ?? []).map(({ mountPath }) => mountPath));
  const mounts: CriMount[] = [];
  if (!taken.has("/etc/hosts") && podIps.length > 0) {
    const hostPath = join(podDir, "etc-hosts");
    mkdirSync(podDir, { recursive: true });
    writeFileSync(hostPath, hostsFile(pod, podIps, hostsText, config.clusterDomain));
    mounts.push({ containerPath: "/etc/hosts", hostPath, readonly: container.spec.securityContext?.readOnlyRootFilesystem === true });
  }
  const messagePath = container.spec.terminationMessagePath || "/dev/termination-log";
  const hostPath = messageFileOf(podDir, container.spec.name, restartCount);
  mkdirSync(join(podDir, "containers", container.spec.name), { recursive: true });
  writeFileSync(hostPath, "");
  chmodSync(hostPath, 0o666);
  mounts.push({ containerPath: messagePath, hostPath, readonly: false });
  return mounts;
}

/** Reads the ConfigMaps and Secrets that the container's variables come from, all at once. */
async function envSources({ client }: PodContext, { pod, container }: StartRequest): Promise<EnvSources> {
  const { namespace } = pod.metadata;
  const names = envReferences(container.spec);
  const orAbsent = async <T>(answer: Promise<T>): Promise<T | undefined> => {
    try {
      return await answer;
    } catch (error) {
      if (isStatus(error, "NotFound")) return undefined;
      throw error;
    }
  };
  const load = async <T>(wanted: ReadonlySet<string>, get: (name: string) => Promise<T>) =>
    new Map(await Promise.all([...wanted].map(async (name) => [name, await orAbsent(get(name))] as const)));
  const [configMaps, secrets] = await Promise.all([
    load<ConfigMap>(names.configMaps, (name) => client.get(CONFIG_MAPS, { namespace, name })),
    load<Secret>(names.secrets, (name) => client.get(SECRETS, { namespace, name })),
  ]);
  return { configMap: (name) => configMaps.get(name), secret: (name) => secrets.get(name) };
}

/** The name by which log collectors find a container's log. */
export function logLinkName({ metadata }: Pick<Pod, "metadata">, container: string, id: string): string {
  return `${metadata.name}_${metadata.namespace}_${container}-${id}.log`;
}

function linkLog({ config, log }: PodContext, { pod, container, restartCount }: StartRequest, id: string): void {
  const link = join(config.containerLogsDir, logLinkName(pod, container.spec.name, id));
  const target = join(podLogDir(config.podLogsDir, pod), containerLogPath(container.spec.name, restartCount));
  try {
    mkdirSync(config.containerLogsDir, { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(target, link);
  } catch (error) {
    log.warn("log link cannot be made", { link, error });
  }
}
