import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { silentLogger, type Logger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

import { OBJECTS, roughRequest } from "./mutations.ts";
import { type Answer, PATIENCE_MS, type Rough, RoughClient } from "./rough-client.ts";

const REQUESTS = 2_000;
const AT_ONCE = 8;
const SEED = 20_260_101;
const HEAP_GROWTH_BYTES = 24 * 1024 * 1024;

const errors: unknown[] = [];
const logger: Logger = { ...silentLogger, error: (message, fields) => void errors.push([message, fields]), with: () => logger };

let server: TestServer;
let client: RoughClient;
before(async () => {
  server = await startTestServer({ logger });
  client = new RoughClient(server);
  const account = JSON.stringify({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } });
  assert.equal((await client.http1({ path: "/api/v1/namespaces/default/serviceaccounts", body: account })).code, 201);
  for (const each of OBJECTS) assert.equal((await client.http1(each)).code, 201);
});
after(async () => {
  client.close();
  await server.close();
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

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

async function send(request: Rough, i: number): Promise<string | undefined> {
  try {
    return faultOf(await (i % 2 === 0 ? client.http1(request) : client.http2(request)), request);
  } catch (error) {
    return String(error);
  }
}

async function storm(rng: () => number, count: number): Promise<string[]> {
  const faults: string[] = [];
  let sent = 0;
  const worker = async () => {
    while (sent < count) {
      const i = sent++;
      const request = roughRequest(rng);
      const fault = await send(request, i);
      if (fault !== undefined)
        faults.push(`${fault}\n  ${request.method ?? "POST"} ${request.path} ${JSON.stringify(request.headers)}\n  ${String(request.body).slice(0, 400)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return faults;
}

test(`${REQUESTS} requests with something wrong in them get answers, and leave the server as it was`, { timeout: 60_000 }, async () => {
  const rng = seededRng(SEED);
  assert.deepEqual(await storm(rng, REQUESTS / 4), []); // caches fill
  const before = heapBytes();
  assert.deepEqual(await storm(rng, REQUESTS), []);
  assert.deepEqual(errors, []);
  const grown = heapBytes() - before;
  assert.ok(grown < HEAP_GROWTH_BYTES, `the heap grew by ${(grown / 1024 / 1024).toFixed(1)} MiB`);
  const well = await client.http2({ path: "/api/v1/namespaces/default/configmaps", body: OBJECTS[0]!.body!.toString().replaceAll("stays", "after") });
  assert.equal(well.code, 201);
});
