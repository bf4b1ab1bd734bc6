import type { IncomingMessage } from "node:http";

import type { Outgoing } from "#apiserver/http/exchange.ts";
import { parseApiPath } from "#apiserver/http/path.ts";
import { parseQuery } from "#apiserver/http/query.ts";
import { MessageResponse } from "#apiserver/http/message-response.ts";
import { isWebSocket, loadWebSockets, type WebSocketRequest } from "#lib/websocket.ts";

const TUNNELS = new Set(["exec", "attach", "portforward", "proxy"]);

/** Whether a request for an upgrade gets one: all others are answered as if they had not asked. */
export function isUpgradable(request: IncomingMessage): boolean {
  return isTunnel(request) || answeredByMessages(request);
}

function isTunnel({ url = "" }: IncomingMessage): boolean {
  const path = parseApiPath(url.split("?", 1)[0]!);
  return path.kind === "resource" && TUNNELS.has(path.subresource);
}

/** Logs and watches, which are otherwise plain answers: through a WebSocket, browsers see them grow. */
export function answeredByMessages(request: IncomingMessage): boolean {
  if (!isWebSocket(request) || request.method !== "GET") return false;
  return isLog(request) || isWatch(request);
}

function isLog({ url = "" }: IncomingMessage): boolean {
  const path = parseApiPath(url.split("?", 1)[0]!);
  return path.kind === "resource" && path.plural === "pods" && path.group === "" && path.subresource === "log";
}

function isWatch({ url = "" }: IncomingMessage): boolean {
  const [pathText = "", queryText = ""] = url.split("?", 2);
  const path = parseApiPath(pathText);
  if (path.kind !== "resource" || path.subresource !== "") return false;
  const asked = parseQuery(queryText).get("watch");
  return path.watch || (path.name === "" && asked !== null && asked !== "0" && asked !== "false");
}

/** Where to write the answer to a request that `answeredByMessages()`. */
export async function messageResponse(upgrade: WebSocketRequest): Promise<Outgoing> {
  return new MessageResponse(upgrade, await loadWebSockets(), isLog(upgrade.request) ? "bytes" : "events");
}
