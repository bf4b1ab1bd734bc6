import { once } from "node:events";
import type { ServerResponse } from "node:http";

import { GRPC_UNAVAILABLE, GrpcError } from "#lib/grpc/grpc-error.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";
import type { Tasks } from "#kubelet/cri/tasks.ts";
import { CONTAINER_RUNNING } from "#kubelet/cri/types.ts";
import { containerOfLog, hasContainer, HttpError, type PodLookup } from "#kubelet/server/pod-lookup.ts";
import { type Clock, sleep } from "#lib/clock.ts";

import type { LogOptions } from "./log-format.ts";
import { readLog } from "./read-log.ts";

export interface LogDeps {
  readonly pods: PodLookup;
  readonly runtime: Runtime;
  readonly tasks: Tasks;
  readonly clock: Clock;
}

export interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** GET /containerLogs/{namespace}/{pod}/{container} */
export async function serveContainerLogs(target: LogTarget, query: URLSearchParams, response: ServerResponse, deps: LogDeps): Promise<void> {
  const options = logOptions(query, deps.clock.now());
  const pod = deps.pods.podByName(target.namespace, target.pod);
  if (pod === undefined) throw new HttpError(404, `pod ${JSON.stringify(target.pod)} does not exist`);
  if (!hasContainer(pod, target.container)) {
    throw new HttpError(404, `container ${JSON.stringify(target.container)} not found in pod ${JSON.stringify(target.pod)}`);
  }
  const id = containerOfLog(deps.pods, pod, target.container, query.get("previous") === "true");
  const path = (await deps.runtime.containerStatus(id).catch(() => undefined))?.logPath;
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
  response.flushHeaders();
  if (!path) return void response.end(`unable to retrieve container logs for containerd://${id}`);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    for await (const bytes of readLog({ path, ended: (signal) => untilEnded(id, deps, signal) }, options, gone.signal)) {
      if (!response.write(bytes)) await once(response, "drain", { signal: gone.signal });
    }
    response.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    // The answer has begun: as with upstream, the reason stands in the text.
    response.end(`failed to read log file ${JSON.stringify(path)}: ${(error as Error).message}`);
  }
}

/** @throws {HttpError} */
export function logOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const tail = query.get("tail");
  const sinceSeconds = numberOf(query.get("sinceSeconds"));
  const sinceTime = query.get("sinceTime");
  return {
    follow: query.get("follow") === "true",
    timestamps: query.get("timestamps") === "true",
    tailLines: numberOf(tail === null || tail === "all" ? query.get("tailLines") : tail),
    sinceMs: sinceTime ? timeOf(sinceTime) : sinceSeconds === undefined ? undefined : nowMs - sinceSeconds * 1000,
    limitBytes: numberOf(query.get("limitBytes")),
  };
}

function numberOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^\d+$/.test(text)) throw new HttpError(400, `{"message": "Unable to decode query."}`);
  return Number(text);
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new HttpError(400, `{"message": "Unable to decode query."}`);
  return time;
}

const FIRST_LOOK_MS = 10;
const LOOKS = 10;
const RECONNECT_MS = 1000;

/** Resolves when the container has ended; the runtime calls it ended after it has written the last of its output. */
async function untilEnded(containerId: string, { tasks, runtime, clock }: LogDeps, signal: AbortSignal): Promise<void> {
  await untilExited(containerId, tasks, clock, signal);
  for (let look = 0; look < LOOKS; look++) {
    const status = await runtime.containerStatus(containerId).catch(() => undefined);
    if (status?.state !== CONTAINER_RUNNING) return;
    await sleep(clock, FIRST_LOOK_MS * 2 ** look, signal);
  }
}

/** A runtime that is being restarted says nothing about its containers: they run on. */
async function untilExited(containerId: string, tasks: Tasks, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await tasks.wait({ containerId, execId: "" }, signal);
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof GrpcError && error.code === GRPC_UNAVAILABLE)) throw error;
      await sleep(clock, RECONNECT_MS, signal);
    }
  }
}
