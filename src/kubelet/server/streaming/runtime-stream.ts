import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as httpRequest, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

import { HttpError } from "#kubelet/server/pod-lookup.ts";

import type { UpgradeRequest } from "./upgrade-request.ts";

const MAX_ERROR_BYTES = 8 * 1024;

/** An upgraded connection to the runtime's streaming server. */
export interface RuntimeStream {
  readonly response: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Asks the runtime's streaming server for an upgrade.
 *
 * @param url what a CRI call gave; it is good for one request
 * @throws {HttpError} what the runtime answered instead
 */
export async function dialRuntime(url: string, method: string, headers: OutgoingHttpHeaders): Promise<RuntimeStream> {
  const { hostname, port, pathname, search, host } = new URL(url);
  const asking = httpRequest({ host: hostname, port, path: `${pathname}${search}`, method, headers: { ...headers, host }, agent: false });
  const answer = await upgradeOf(asking);
  if ("socket" in answer) return answer;
  throw new HttpError(answer.response.statusCode ?? 500, await textOf(answer.response));
}

/**
 * Hands a client over to the runtime's streaming server, bytes for bytes: protocols that only old clients speak are left to it.
 * Resolves when the connection has ended.
 */
export async function proxyToRuntime({ request, socket, head }: UpgradeRequest, url: string): Promise<void> {
  const { host: _host, ...headers } = request.headers;
  const runtime = await dialRuntime(url, request.method ?? "GET", headers);
  socket.write(`HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${headerLines(runtime.response)}\r\n`);
  if (head.length > 0) runtime.socket.write(head);
  await joined(socket, runtime);
}

/** Copies both ways until either end is closed; what was sent before an end, or a break, still arrives. */
export function joined(near: Duplex, { socket: far, head }: Pick<RuntimeStream, "socket" | "head">): Promise<void> {
  if (head.length > 0) near.write(head);
  return new Promise((resolve) => {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => {}); // it closes
      from.once("close", () => {
        to.end(() => to.destroy());
        if (near.destroyed && far.destroyed) resolve();
      });
      from.pipe(to);
    }
  });
}

function upgradeOf(asking: ClientRequest): Promise<RuntimeStream | { readonly response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    asking.once("upgrade", (response, socket, head) => resolve({ response, socket, head }));
    asking.once("response", (response) => resolve({ response }));
    asking.on("error", reject); // also of a connection that breaks after the answer, of which the answer tells, too
    asking.end();
  });
}

function headerLines({ rawHeaders }: IncomingMessage): string {
  let lines = "";
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) lines += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return lines;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
    if (text.length > MAX_ERROR_BYTES) break;
  }
  return text.trim();
}
