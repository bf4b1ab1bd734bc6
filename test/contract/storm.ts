import type { Rng } from "#lib/rng.ts";

import { roughRequest } from "./mutations.ts";
import { type Answer, PATIENCE_MS, type Rough, type RoughClient } from "./rough-client.ts";

const AT_ONCE = 8;

/** What is wrong with an answer to a rough request; `undefined` when nothing is. */
function faultOf(answer: Answer, { method = "POST" }: Rough): string | undefined {
  const { code, text, ms } = answer;
  if (ms > PATIENCE_MS) return `${ms.toFixed(0)} ms`;
  if (code < 400) return undefined;
  if (method === "HEAD" || text === "" || text === "404 page not found\n") return undefined;
  if (!text.startsWith("{")) return text.startsWith("apiVersion: v1\n") ? undefined : `no Status: ${text.slice(0, 100)}`;
  const { kind, status, code: told, reason, message } = JSON.parse(text) as Record<string, unknown>;
  if (kind !== "Status" || status !== "Failure" || told !== code) return `no failure: ${text.slice(0, 200)}`;
  // Upstream too hands some errors on as they are: with 500, and without a reason.
  if (code >= 500 && (reason !== undefined || String(message).startsWith("Internal error"))) return text.slice(0, 300);
  return undefined;
}

async function send(client: RoughClient, request: Rough, i: number): Promise<string | undefined> {
  try {
    return faultOf(await (i % 2 === 0 ? client.http1(request) : client.http2(request)), request);
  } catch (error) {
    return String(error);
  }
}

/** Sends `count` rough requests, by HTTP/1.1 and HTTP/2, eight at once; tells what was wrong with answers, and to what. */
export async function storm(client: RoughClient, rng: Rng, count: number): Promise<string[]> {
  const faults: string[] = [];
  let sent = 0;
  const worker = async () => {
    while (sent < count) {
      const i = sent++;
      const request = roughRequest(rng);
      const fault = await send(client, request, i);
      if (fault !== undefined)
        faults.push(`${fault}\n  ${request.method ?? "POST"} ${request.path} ${JSON.stringify(request.headers)}\n  ${String(request.body).slice(0, 400)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return faults;
}
