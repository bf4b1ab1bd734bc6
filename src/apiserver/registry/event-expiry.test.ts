import assert from "node:assert/strict";
import { test } from "node:test";

import { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { formatTime } from "#lib/clock.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";

import { EventExpiry } from "./event-expiry.ts";

const HOUR_MS = 3_600_000;

test("EventExpiry.sweep() removes what nobody has written for an hour", async () => {
  const clock = new SimClock();
  const store = createMemoryStore();
  const cache = await WatchCache.open(store, { clock, logger: silentLogger });
  const put = async (name: string, ageMs: number, writtenMs = ageMs) => {
    const managedFields = [
      { manager: "m", operation: "Update", apiVersion: "v1", time: formatTime(clock.now() - writtenMs), fieldsType: "FieldsV1", fieldsV1: {} },
    ];
    const metadata = { name, namespace: "default", uid: name, resourceVersion: "", creationTimestamp: formatTime(clock.now() - ageMs), managedFields };
    const object = { kind: "Event", apiVersion: "v1", metadata } as never;
    assert.ok((await cache.commit([{ key: `/registry/events/default/${name}`, object, expected: 0 }])).ok);
  };
  await put("old", 2 * HOUR_MS);
  await put("written-again", 2 * HOUR_MS, 1_000);
  await put("new", 1_000);
  await store.commit([{ key: "/registry/events/default/broken", value: Buffer.from("no JSON"), expected: 0 }]);
  assert.equal(await new EventExpiry(cache, clock, silentLogger).sweep(), 1);
  assert.deepEqual(
    cache.list("/registry/events/").items.map(({ key }) => key.slice("/registry/events/default/".length)),
    ["broken", "new", "written-again"],
  );
});
