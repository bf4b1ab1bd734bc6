import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import type { WebSocket } from "ws";

/** A request that is to become a WebSocket; until it is accepted, an error can still be answered. */
export interface WebSocketRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Completes a handshake with the chosen subprotocol; the empty one is not named. */
export type AcceptWebSocket = (request: WebSocketRequest, protocol: string) => WebSocket;

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** A subprotocol by which browsers send a bearer token: they cannot set other headers. It is nobody else's business. */
export const BEARER_PROTOCOL = "base64url.bearer.authorization.k8s.io.";

/** The library is loaded late: most processes wait long for their first WebSocket. */
export async function loadWebSockets(): Promise<AcceptWebSocket> {
  const { WebSocketServer } = await import("ws");
  return ({ request, socket, head }, protocol) => {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
    // Named here and not by the library: it refuses names that are no HTTP tokens, and Kubernetes has one with a slash.
    delete request.headers["sec-websocket-protocol"];
    server.on("headers", (lines) => {
      if (protocol !== "") lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
    });
    let accepted: WebSocket | undefined;
    server.handleUpgrade(request, socket, head, (client) => (accepted = client));
    if (accepted === undefined) throw new Error("the WebSocket handshake was refused"); // the library has told the client
    return accepted;
  };
}

export const isWebSocket = (request: IncomingMessage): boolean => request.headers.upgrade?.toLowerCase() === "websocket";

/** The subprotocols that a client offers, without its token. */
export function offeredProtocols(request: IncomingMessage): readonly string[] {
  return allProtocols(request).filter((protocol) => !protocol.startsWith(BEARER_PROTOCOL));
}

/**
 * The bearer token among the subprotocols of a WebSocket.
 *
 * @returns `undefined` when there is none, `"invalid"` when there are two, one that cannot be read, or nothing beside it to answer with
 */
export function bearerOfProtocols(request: IncomingMessage): string | "invalid" | undefined {
  if (!isWebSocket(request)) return undefined;
  const [token, ...more] = allProtocols(request).filter((protocol) => protocol.startsWith(BEARER_PROTOCOL));
  if (token === undefined) return undefined;
  const encoded = token.slice(BEARER_PROTOCOL.length);
  if (more.length > 0 || offeredProtocols(request).length === 0 || !/^[\w-]+$/.test(encoded)) return "invalid";
  return Buffer.from(encoded, "base64url").toString("utf8");
}

function allProtocols({ headers }: IncomingMessage): readonly string[] {
  const header = headers["sec-websocket-protocol"];
  return header === undefined ? [] : header.split(",").map((protocol) => protocol.trim());
}
