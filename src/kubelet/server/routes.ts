import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

import { type LogDeps, serveContainerLogs } from "./logs/container-logs.ts";
import { HttpError } from "./pod-lookup.ts";
import { servePortForward } from "./streaming/port-forward.ts";
import { type CommandDeps, serveAttach, serveExec } from "./streaming/serve-command.ts";

export type RouteDeps = CommandDeps & LogDeps;

interface Route {
  readonly root: string;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

/** @throws {HttpError} */
export async function serveRequest(request: IncomingMessage, response: ServerResponse, deps: RouteDeps): Promise<void> {
  const { root, parts, query } = routeOf(request);
  if (["exec", "attach", "portForward"].includes(root)) throw new HttpError(400, "Upgrade request required");
  if (request.method !== "GET" && request.method !== "HEAD") throw new HttpError(405, "405: Method Not Allowed");
  if (root === "healthz" && parts.length <= 1) return void response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end("ok");
  if (root === "pods" && parts.length === 0) {
    const list = { kind: "PodList", apiVersion: "v1", metadata: {}, items: deps.pods.pods() };
    return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(list));
  }
  const [namespace, pod, container] = parts;
  if (root === "containerLogs" && parts.length === 3) {
    return serveContainerLogs({ namespace: namespace!, pod: pod!, container: container! }, query, response, deps);
  }
  throw new HttpError(404, "404 page not found\n");
}

/** @throws {HttpError} as long as nothing has been answered */
export async function serveUpgrade(
  upgrade: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  deps: RouteDeps,
): Promise<void> {
  const { root, parts, query } = routeOf(upgrade.request);
  const [namespace = "", pod = ""] = parts;
  // Upstream's paths may name the pod's UID before the container.
  const container = parts.at(-1) ?? "";
  const named = parts.length === 3 || parts.length === 4;
  if (root === "exec" && named) return serveExec({ namespace, pod, container }, { ...upgrade, query }, deps);
  if (root === "attach" && named) return serveAttach({ namespace, pod, container }, { ...upgrade, query }, deps);
  if (root === "portForward" && (parts.length === 2 || parts.length === 3)) return servePortForward({ namespace, pod }, { ...upgrade, query }, deps);
  throw new HttpError(404, "404 page not found\n");
}

function routeOf({ url = "/" }: IncomingMessage): Route {
  const { pathname, searchParams } = new URL(url, "https://kubelet");
  const [root = "", ...parts] = pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  return { root, parts, query: searchParams };
}
