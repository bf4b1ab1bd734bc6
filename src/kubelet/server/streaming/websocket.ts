import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import type { WebSocket } from "ws";

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Completes a WebSocket handshake with the chosen subprotocol; the empty one is not named. */
export async function acceptWebSocket(
  { request, socket, head }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  protocol: string,
): Promise<WebSocket> {
  // Loaded late: most nodes wait long for their first stream.
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  // Named here and not by the library: it refuses names that are no HTTP tokens, and Kubernetes has one with a slash.
  delete request.headers["sec-websocket-protocol"];
  server.on("headers", (lines) => {
    if (protocol !== "") lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  return new Promise((resolve, reject) => {
    socket.once("close", () => reject(new Error("connection closed during the handshake")));
    server.handleUpgrade(request, socket, head, resolve);
  });
}

export const isWebSocket = (request: IncomingMessage): boolean => request.headers.upgrade?.toLowerCase() === "websocket";

export function offeredProtocols(request: IncomingMessage): readonly string[] {
  const header = request.headers["sec-websocket-protocol"];
  return header === undefined ? [] : header.split(",").map((protocol) => protocol.trim());
}
