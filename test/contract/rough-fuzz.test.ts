import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { silentLogger, type Logger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

import { OBJECTS } from "./mutations.ts";
import { RoughClient } from "./rough-client.ts";
import { storm } from "./storm.ts";

const REQUESTS = 2_000;
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

test(`${REQUESTS} requests with something wrong in them get answers, and leave the server as it was`, { timeout: 60_000 }, async () => {
  const rng = seededRng(SEED);
  assert.deepEqual(await storm(client, rng, REQUESTS / 4), []); // caches fill
  const before = heapBytes();
  assert.deepEqual(await storm(client, rng, REQUESTS), []);
  assert.deepEqual(errors, []);
  const grown = heapBytes() - before;
  assert.ok(grown < HEAP_GROWTH_BYTES, `the heap grew by ${(grown / 1024 / 1024).toFixed(1)} MiB`);
  const well = await client.http2({ path: "/api/v1/namespaces/default/configmaps", body: OBJECTS[0]!.body!.toString().replaceAll("stays", "after") });
  assert.equal(well.code, 201);
});
