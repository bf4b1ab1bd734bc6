import { once } from "node:events";
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";

import type { Outgoing } from "#apiserver/http/exchange.ts";
import type { ConnectRequest } from "#apiserver/registry/subresource.ts";

const KEEP_ALIVE_MS = 30_000;

/** What one hop says to the next about their own connection. */
const HOP_HEADERS = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host", "http2-settings"]);
/** Who the client is, is the API server's secret. */
const SECRET_HEADERS = new Set(["authorization", "cookie"]);

/** Copies until either end is done; a reader that goes away is no error. */
export function pour(from: Readable, to: Outgoing): Promise<void> {
  return new Promise((resolve) => {
    let ended = false;
    const cut = () => {
      if (!ended) to.destroy();
      from.destroy();
      resolve();
    };
    to.once("close", cut);
    to.on("drain", () => from.resume());
    from.on("data", (chunk: Buffer) => {
      if (!to.write(chunk)) from.pause();
    });
    from.once("error", cut);
    from.once("close", cut);
    from.once("end", () => {
      ended = true;
      to.end();
      resolve();
    });
  });
}

/** The head of the answer. A connection that breaks later is the answer's own error, and its request's a second time. */
export async function awaitAnswer(asking: ClientRequest): Promise<IncomingMessage> {
  asking.on("error", () => {});
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  return answer;
}

/** Where to answer. */
export const responseOf = ({ response }: ConnectRequest): Outgoing => response!;

/** The result of asking another server for an upgrade. */
export type UpgradeAnswer =
  | { readonly upgraded: true; readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  | { readonly upgraded: false; readonly response: IncomingMessage };

export function awaitUpgrade(request: ClientRequest): Promise<UpgradeAnswer> {
  return new Promise((resolve, reject) => {
    request.once("upgrade", (response, socket, head) => resolve({ upgraded: true, response, socket, head }));
    request.once("response", (response) => resolve({ upgraded: false, response }));
    request.on("error", reject);
    request.end();
  });
}

/** Joins a client's connection with an upgraded one, bytes for bytes, each side slowed down by the other. */
export function join(client: { readonly socket: Duplex; readonly head: Buffer }, answer: UpgradeAnswer & { readonly upgraded: true }): void {
  const { socket: near } = client;
  const { socket: far } = answer;
  for (const socket of [near, far] as Socket[]) {
    socket.setNoDelay?.(true);
    socket.setTimeout?.(0);
    socket.setKeepAlive?.(true, KEEP_ALIVE_MS);
  }
  near.write(switchingProtocols(answer.response));
  if (answer.head.length > 0) near.write(answer.head);
  if (client.head.length > 0) far.write(client.head);
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on("error", () => {}); // it closes
    // What was sent before the end, or the break, still arrives.
    from.once("close", () => to.end(() => to.destroy()));
    from.pipe(to);
  }
}

function switchingProtocols({ rawHeaders }: IncomingMessage): string {
  const lines = ["HTTP/1.1 101 Switching Protocols"];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A request's headers for the next hop. */
export function forwardedHeaders(headers: IncomingHttpHeaders, host: string, { upgrade = false } = {}): OutgoingHttpHeaders {
  const forwarded: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(":") && !HOP_HEADERS.has(name) && !SECRET_HEADERS.has(name) && !name.startsWith("impersonate-"))
      forwarded[name] = value;
  }
  forwarded["host"] = host;
  if (!upgrade) return forwarded;
  // A bearer token may stand among the subprotocols of a browser's WebSocket.
  const protocols = headers["sec-websocket-protocol"]
    ?.split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => !protocol.startsWith("base64url.bearer.authorization.k8s.io."));
  if (protocols !== undefined) forwarded["sec-websocket-protocol"] = protocols.join(", ");
  return { ...forwarded, connection: "Upgrade", upgrade: headers.upgrade ?? "websocket" };
}
