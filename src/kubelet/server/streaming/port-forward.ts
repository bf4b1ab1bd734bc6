import type { Duplex } from "node:stream";

import type { Runtime } from "#kubelet/cri/runtime.ts";
import { HttpError, type PodLookup } from "#kubelet/server/pod-lookup.ts";
import { isWebSocket, loadWebSockets, offeredProtocols } from "#lib/websocket.ts";

import { dialRuntime, joined, proxyToRuntime } from "./runtime-stream.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

/** SPDY frames as the payload of binary messages: how newer clients get it through proxies. */
const TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io";
const SPDY_HEADERS = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": "portforward.k8s.io" };

export interface PortForwardDeps {
  readonly pods: PodLookup;
  readonly runtime: Runtime;
}

/**
 * /portForward/{namespace}/{pod}. The runtime is where the pod's network is entered, so its streaming server ends the
 * SPDY connection, and what it says of a refused connection reaches the user unchanged; a WebSocket tunnel is unwrapped here.
 */
export async function servePortForward(
  target: { readonly namespace: string; readonly pod: string },
  upgrade: UpgradeRequest,
  deps: PortForwardDeps,
): Promise<void> {
  const pod = deps.pods.podByName(target.namespace, target.pod);
  if (pod === undefined) throw new HttpError(404, "pod does not exist");
  const sandboxId = deps.pods.sandboxIdOf(pod);
  if (sandboxId === undefined) throw new HttpError(500, `pod not found (${JSON.stringify(`${target.pod}_${target.namespace}`)})`);
  const ports = portsOf(upgrade);
  const url = await deps.runtime.portForward(sandboxId, ports);
  if (!isWebSocket(upgrade.request) || !offeredProtocols(upgrade.request).includes(TUNNEL_PROTOCOL)) return proxyToRuntime(upgrade, url);
  const runtime = await dialRuntime(url, "POST", SPDY_HEADERS);
  try {
    await joined(await openTunnel(upgrade, runtime.socket), runtime);
  } finally {
    runtime.socket.destroy();
  }
}

/** The client's end as a stream; it is gone when both its WebSocket and `far` are, so that `far` gets all that was sent. */
async function openTunnel(upgrade: UpgradeRequest, far: Duplex): Promise<Duplex> {
  const { createWebSocketStream } = await import("ws");
  const socket = (await loadWebSockets())(upgrade, TUNNEL_PROTOCOL);
  const tunnel = createWebSocketStream(socket, {});
  // The library ends its stream with the socket, but destroys it only when its own end can still be sent.
  socket.once("close", () => (far.destroyed ? tunnel.destroy() : far.once("close", () => tunnel.destroy())));
  return tunnel;
}

/** The ports of old WebSocket clients; SPDY names them stream by stream. */
function portsOf({ request, query }: UpgradeRequest): readonly number[] {
  if (!isWebSocket(request) || offeredProtocols(request).includes(TUNNEL_PROTOCOL)) return [];
  const texts = query.getAll("port").flatMap((text) => text.split(","));
  if (texts.length === 0) throw new HttpError(400, `query parameter "port" is required`);
  return texts.map((text) => {
    const port = Number(text);
    if (!/^\d+$/.test(text) || port > 0xffff) throw new HttpError(400, `unable to parse ${JSON.stringify(text)} as a port`);
    if (port < 1) throw new HttpError(400, `port ${JSON.stringify(text)} must be > 0`);
    return port;
  });
}
