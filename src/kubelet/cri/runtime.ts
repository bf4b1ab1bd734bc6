import { rmSync } from "node:fs";

import { decodeMessage, encodeMessage } from "#apimachinery/protobuf/codec.ts";
import { GrpcClient } from "#lib/grpc/grpc-client.ts";
import { GRPC_FAILED_PRECONDITION, GRPC_NOT_FOUND, GrpcError } from "#lib/grpc/grpc-error.ts";
import { shimSocket } from "#lib/shim-socket.ts";
import { CRI, CRI_CALLS } from "./table.ts";
import { removeTask } from "./tasks.ts";
import type {
  ContainerConfig,
  ContainerStats,
  ContainerStatus,
  ContainerSummary,
  ExecResult,
  Image,
  LinuxResources,
  RegistryAuth,
  RuntimeCondition,
  RuntimeVersion,
  Sandbox,
  SandboxConfig,
  SandboxStatus,
} from "./types.ts";

type Labels = Readonly<Record<string, string>>;

/** A container runtime as the kubelet sees it. Every method throws a GrpcError for what the runtime refuses. */
export interface Runtime {
  version(): Promise<RuntimeVersion>;
  status(): Promise<readonly RuntimeCondition[]>;

  /** @param handler the runtime's default when absent */
  runPodSandbox(config: SandboxConfig, handler?: string): Promise<string>;
  stopPodSandbox(id: string): Promise<void>;
  removePodSandbox(id: string): Promise<void>;
  /** @returns `undefined` when there is none of that id */
  podSandboxStatus(id: string): Promise<SandboxStatus | undefined>;
  listPodSandboxes(labels?: Labels): Promise<readonly Sandbox[]>;

  createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Sends the stop signal, and SIGKILL after `timeoutSeconds`; resolves when the container has exited. */
  stopContainer(id: string, timeoutSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): Promise<ContainerStatus | undefined>;
  listContainers(labels?: Labels): Promise<readonly ContainerSummary[]>;
  updateContainerResources(id: string, resources: LinuxResources): Promise<void>;
  reopenContainerLog(id: string): Promise<void>;
  listContainerStats(labels?: Labels): Promise<readonly ContainerStats[]>;

  /** Runs a command and waits for it; `timeoutSeconds` 0 waits for ever. */
  execSync(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult>;
  /** Each returns the URL of the runtime's streaming server. */
  exec(request: ExecStream): Promise<string>;
  attach(request: Omit<ExecStream, "cmd">): Promise<string>;
  portForward(sandboxId: string, ports: readonly number[]): Promise<string>;

  /** @returns the image's reference: its id, a digest of its config */
  pullImage(image: string, auth?: RegistryAuth, sandboxConfig?: SandboxConfig): Promise<string>;
  imageStatus(image: string): Promise<Image | undefined>;
  listImages(): Promise<readonly Image[]>;
  removeImage(image: string): Promise<void>;
  close(): void;
}

export interface ExecStream {
  readonly containerId: string;
  readonly cmd: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Upstream's runtimeRequestTimeout. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Sandboxes wait for CNI plugins, which may be slow on a busy machine. */
const SANDBOX_TIMEOUT_MS = 240_000;

/** A runtime behind a CRI socket. */
export class CriRuntime implements Runtime {
  readonly #socket: string;
  readonly #client: GrpcClient;

  /** @param socket path of the unix socket */
  constructor(socket: string) {
    this.#socket = socket;
    this.#client = new GrpcClient({ path: socket });
  }

  version() {
    return this.#call<RuntimeVersion>("Version", { version: "v1" });
  }

  async status() {
    const { status } = await this.#call<{ status?: { conditions: readonly RuntimeCondition[] } }>("Status", {});
    return status?.conditions ?? [];
  }

  async runPodSandbox(config: SandboxConfig, handler = "") {
    const request = { config, runtimeHandler: handler };
    const { podSandboxId } = await this.#call<{ podSandboxId: string }>("RunPodSandbox", request, SANDBOX_TIMEOUT_MS);
    return podSandboxId;
  }

  async stopPodSandbox(id: string) {
    await this.#call("StopPodSandbox", { podSandboxId: id });
  }

  async removePodSandbox(id: string) {
    await this.#withoutTask(id, () => this.#call("RemovePodSandbox", { podSandboxId: id }));
    // A shim that was killed has left it.
    rmSync(shimSocket(this.#socket, id), { force: true });
  }

  podSandboxStatus(id: string) {
    return absent(async () => (await this.#call<{ status?: SandboxStatus }>("PodSandboxStatus", { podSandboxId: id })).status);
  }

  async listPodSandboxes(labels?: Labels) {
    return (await this.#call<{ items: readonly Sandbox[] }>("ListPodSandbox", filtered(labels))).items;
  }

  async createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: SandboxConfig) {
    const request = { podSandboxId: sandboxId, config, sandboxConfig };
    return (await this.#call<{ containerId: string }>("CreateContainer", request)).containerId;
  }

  async startContainer(id: string) {
    await this.#call("StartContainer", { containerId: id });
  }

  async stopContainer(id: string, timeoutSeconds: number) {
    await this.#call("StopContainer", { containerId: id, timeout: timeoutSeconds }, REQUEST_TIMEOUT_MS + timeoutSeconds * 1000);
  }

  async removeContainer(id: string) {
    await this.#withoutTask(id, () => this.#call("RemoveContainer", { containerId: id }));
  }

  containerStatus(id: string) {
    return absent(async () => (await this.#call<{ status?: ContainerStatus }>("ContainerStatus", { containerId: id })).status);
  }

  async listContainers(labels?: Labels) {
    return (await this.#call<{ containers: readonly ContainerSummary[] }>("ListContainers", filtered(labels))).containers;
  }

  async updateContainerResources(id: string, linux: LinuxResources) {
    await this.#call("UpdateContainerResources", { containerId: id, linux });
  }

  async reopenContainerLog(id: string) {
    await this.#call("ReopenContainerLog", { containerId: id });
  }

  async listContainerStats(labels?: Labels) {
    return (await this.#call<{ stats: readonly ContainerStats[] }>("ListContainerStats", filtered(labels))).stats;
  }

  execSync(containerId: string, cmd: readonly string[], timeoutSeconds: number) {
    const timeoutMs = timeoutSeconds === 0 ? "none" : REQUEST_TIMEOUT_MS + timeoutSeconds * 1000;
    return this.#call<ExecResult>("ExecSync", { containerId, cmd, timeout: timeoutSeconds }, timeoutMs);
  }

  async exec(request: ExecStream) {
    return (await this.#call<{ url: string }>("Exec", request)).url;
  }

  async attach(request: Omit<ExecStream, "cmd">) {
    return (await this.#call<{ url: string }>("Attach", request)).url;
  }

  async portForward(sandboxId: string, port: readonly number[]) {
    return (await this.#call<{ url: string }>("PortForward", { podSandboxId: sandboxId, port })).url;
  }

  async pullImage(image: string, auth?: RegistryAuth, sandboxConfig?: SandboxConfig) {
    const request = { image: { image }, auth, sandboxConfig };
    return (await this.#call<{ imageRef: string }>("PullImage", request, "none")).imageRef;
  }

  async imageStatus(image: string) {
    return (await this.#call<{ image?: Image }>("ImageStatus", { image: { image } })).image;
  }

  async listImages() {
    return (await this.#call<{ images: readonly Image[] }>("ListImages", {})).images;
  }

  async removeImage(image: string) {
    await this.#call("RemoveImage", { image: { image } });
  }

  close() {
    this.#client.close();
  }

  /** A start that was cut off, and whose process was killed then, may leave a task that has ended and that CRI does not know of. */
  async #withoutTask(id: string, remove: () => Promise<unknown>): Promise<void> {
    try {
      await remove();
    } catch (error) {
      if (!(error instanceof GrpcError && error.code === GRPC_FAILED_PRECONDITION)) throw error;
      await removeTask(this.#client, id);
      await remove();
    }
  }

  async #call<T>(name: string, request: object, timeoutMs: number | "none" = REQUEST_TIMEOUT_MS): Promise<T> {
    const call = CRI_CALLS.get(name);
    if (call === undefined) throw new Error(`CRI has no call ${name}`);
    const options = timeoutMs === "none" ? {} : { timeoutMs };
    const bytes = await this.#client.unary(call.path, encodeMessage(CRI, call.request, request), options);
    return decodeMessage<T>(CRI, call.response, bytes);
  }
}

const filtered = (labels: Labels | undefined) => (labels === undefined ? {} : { filter: { labelSelector: labels } });

async function absent<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof GrpcError && error.code === GRPC_NOT_FOUND) return undefined;
    throw error;
  }
}
