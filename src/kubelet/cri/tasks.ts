import { decodeMessage, encodeMessage, type ProtoTable } from "#apimachinery/protobuf/codec.ts";

import { GrpcClient } from "#lib/grpc/grpc-client.ts";
import { GRPC_NOT_FOUND, GrpcError } from "#lib/grpc/grpc-error.ts";

/** The namespace in which containerd's CRI plugin keeps its containers. */
const CRI_NAMESPACE = "k8s.io";
const PROCESS_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process";
const REQUEST_TIMEOUT_MS = 120_000;

const string = (name: string, number: number) => ({ name, number, type: "string" });
const uint32 = (name: string, number: number) => ({ name, number, type: "uint32" });
const CONTAINER_AND_EXEC = [string("containerId", 1), string("execId", 2)];

/** The few messages of `containerd.services.tasks.v1` and `containers.v1` that are used here. */
const TABLE: ProtoTable = {
  messages: {
    Any: { fields: [string("typeUrl", 1), { name: "value", number: 2, type: "bytes" }] },
    Empty: { fields: [] },
    GetContainerRequest: { fields: [string("id", 1)] },
    GetContainerResponse: { fields: [{ name: "container", number: 1, type: "Container" }] },
    Container: { fields: [string("id", 1), { name: "spec", number: 5, type: "Any" }] },
    ExecProcessRequest: {
      fields: [
        string("containerId", 1),
        string("stdin", 2),
        string("stdout", 3),
        string("stderr", 4),
        { name: "terminal", number: 5, type: "bool" },
        { name: "spec", number: 6, type: "Any" },
        string("execId", 7),
      ],
    },
    ProcessRequest: { fields: CONTAINER_AND_EXEC },
    StartResponse: { fields: [uint32("pid", 1)] },
    WaitResponse: { fields: [uint32("exitStatus", 1)] },
    DeleteTaskRequest: { fields: [string("containerId", 1)] },
    DeleteResponse: { fields: [string("id", 1), uint32("pid", 2), uint32("exitStatus", 3)] },
    KillRequest: { fields: [...CONTAINER_AND_EXEC, uint32("signal", 3)] },
    ResizePtyRequest: { fields: [...CONTAINER_AND_EXEC, uint32("width", 3), uint32("height", 4)] },
    CloseIORequest: { fields: [...CONTAINER_AND_EXEC, { name: "stdin", number: 3, type: "bool" }] },
  },
};

/** A process of an OCI runtime spec; only what is replaced is named. */
export interface OciProcess {
  readonly args: readonly string[];
  readonly terminal?: boolean;
  readonly env?: readonly string[];
  readonly consoleSize?: { readonly width: number; readonly height: number };
}

/** A process inside a container: its main one has the empty `execId`. */
export interface ProcessId {
  readonly containerId: string;
  readonly execId: string;
}

/** Paths of FIFOs; an absent one is not connected. */
export interface ProcessIo {
  readonly stdin?: string | undefined;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
}

/**
 * containerd's own API for running processes, beside CRI on the same socket. CRI's streaming server of containerd 1.6 can
 * neither half-close an input over a WebSocket nor speak the newest protocol; here the streams are FIFOs of ours.
 */
export interface Tasks {
  /** The process that the container was made with. */
  processOf(containerId: string): Promise<OciProcess>;
  /** Prepares a process; `start()` runs it. */
  exec(id: ProcessId, process: OciProcess, io: ProcessIo): Promise<void>;
  /** @returns the process id */
  start(id: ProcessId): Promise<number>;
  /** Resolves with the exit code when the process has ended; with `undefined` when there is none. */
  wait(id: ProcessId, signal?: AbortSignal): Promise<number | undefined>;
  closeStdin(id: ProcessId): Promise<void>;
  resize(id: ProcessId, size: { readonly width: number; readonly height: number }): Promise<void>;
  kill(id: ProcessId, signal: number): Promise<void>;
  remove(id: ProcessId): Promise<void>;
  close(): void;
}

export class ContainerdTasks implements Tasks {
  readonly #client: GrpcClient;

  /** @param socket path of containerd's socket */
  constructor(socket: string) {
    this.#client = new GrpcClient({ path: socket });
  }

  async processOf(containerId: string): Promise<OciProcess> {
    const path = "/containerd.services.containers.v1.Containers/Get";
    const bytes = await this.#client.unary(path, encodeMessage(TABLE, "GetContainerRequest", { id: containerId }), options(REQUEST_TIMEOUT_MS));
    const { container } = decodeMessage<{ container?: { spec?: { value: Uint8Array } } }>(TABLE, "GetContainerResponse", bytes);
    const spec = JSON.parse(Buffer.from(container?.spec?.value ?? []).toString("utf8")) as { process: OciProcess };
    return spec.process;
  }

  async exec({ containerId, execId }: ProcessId, process: OciProcess, { stdin, stdout, stderr }: ProcessIo): Promise<void> {
    const spec = { typeUrl: PROCESS_TYPE, value: Buffer.from(JSON.stringify(process)) };
    await this.#call("Exec", "ExecProcessRequest", "Empty", { containerId, execId, stdin, stdout, stderr, terminal: process.terminal === true, spec });
  }

  async start(id: ProcessId): Promise<number> {
    return (await this.#call<{ pid: number }>("Start", "ProcessRequest", "StartResponse", id)).pid;
  }

  async wait(id: ProcessId, signal?: AbortSignal): Promise<number | undefined> {
    try {
      const path = "/containerd.services.tasks.v1.Tasks/Wait";
      const bytes = await this.#client.unary(path, encodeMessage(TABLE, "ProcessRequest", id), { ...options(), signal });
      return decodeMessage<{ exitStatus: number }>(TABLE, "WaitResponse", bytes).exitStatus;
    } catch (error) {
      if (error instanceof GrpcError && error.code === GRPC_NOT_FOUND) return undefined;
      throw error;
    }
  }

  async closeStdin(id: ProcessId): Promise<void> {
    await this.#call("CloseIO", "CloseIORequest", "Empty", { ...id, stdin: true });
  }

  async resize(id: ProcessId, { width, height }: { readonly width: number; readonly height: number }): Promise<void> {
    await this.#call("ResizePty", "ResizePtyRequest", "Empty", { ...id, width, height });
  }

  async kill(id: ProcessId, signal: number): Promise<void> {
    await this.#call("Kill", "KillRequest", "Empty", { ...id, signal });
  }

  async remove(id: ProcessId): Promise<void> {
    await this.#call("DeleteProcess", "ProcessRequest", "DeleteResponse", id);
  }

  close(): void {
    this.#client.close();
  }

  async #call<T>(name: string, request: string, response: string, value: object): Promise<T> {
    return decodeMessage<T>(TABLE, response, await call(this.#client, name, encodeMessage(TABLE, request, value)));
  }
}

/** Removes a container's main process that has ended, so that the container can be removed. */
export async function removeTask(client: GrpcClient, containerId: string): Promise<void> {
  await call(client, "Delete", encodeMessage(TABLE, "DeleteTaskRequest", { containerId }));
}

function call(client: GrpcClient, name: string, request: Uint8Array): Promise<Uint8Array> {
  return client.unary(`/containerd.services.tasks.v1.Tasks/${name}`, request, options(REQUEST_TIMEOUT_MS));
}

const options = (timeoutMs?: number) => ({ timeoutMs, headers: { "containerd-namespace": CRI_NAMESPACE } });
