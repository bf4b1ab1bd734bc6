import assert from "node:assert/strict";
import { test } from "node:test";
import { SECRETS } from "#api/builtin.ts";
import { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";
import { Pipeline } from "./pipeline.ts";
import { ResourceTable } from "./resource-table.ts";

test("Pipeline.watch() ends with an event that cannot be read, and gives nothing more: its caller is to list again", async () => {
  const store = createMemoryStore();
  const cache = await WatchCache.open(store, { clock: new SimClock(), logger: silentLogger });
  const seen: string[] = [];
  const sink = { onEvent: ({ type }: { type: string }) => void seen.push(type), onEnd: (error?: Error) => void seen.push(String(error)) };
  new Pipeline(undefined as never, new ResourceTable(), { cache } as never).watch({ resource: SECRETS, resourceVersion: "0" }, LOOPBACK_USER, sink);
  const put = (name: string, text: string) => store.commit([{ key: `/registry/secrets/a/${name}`, value: Buffer.from(text), expected: 0 }]);
  await put("good", '{"metadata":{"name":"good"}}');
  await put("bad", "no JSON");
  await put("late", '{"metadata":{"name":"late"}}');
  assert.equal(seen.length, 2);
  assert.equal(seen[0], "ADDED");
  assert.match(seen[1]!, /not valid JSON/);
});
