import assert from "node:assert/strict";
import { test } from "node:test";

import { NAMESPACES, PODS } from "#api/builtin.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";

import { cacheReader } from "./cache-reader.ts";
import { WatchCache } from "./watch-cache.ts";

const NAMES = ["a", "b", "c"];

test("cacheReader() lists what there is after every change, in a namespace and in all", async () => {
  const cache = await WatchCache.open(createMemoryStore(), { clock: new SimClock(), logger: silentLogger });
  const reader = cacheReader(cache);
  const names = (namespace: string) => reader.list(PODS, namespace).map(({ metadata }) => metadata.name);
  const write = (namespace: string, name: string, labels?: Record<string, string>) => {
    const object = labels && ({ kind: "Pod", apiVersion: "v1", metadata: { namespace, name, labels } } as KubeObject);
    return cache.commit([{ key: `/registry/pods/${namespace}/${name}`, object, expected: undefined }]);
  };
  assert.deepEqual([names("x"), names("")], [[], []]);
  for (const name of NAMES) {
    await write("x", name, {});
    await write("y", name, {});
    assert.ok(names("x").includes(name) && names("").length === 2 * (NAMES.indexOf(name) + 1));
  }
  assert.equal(reader.list(PODS, "x"), reader.list(PODS, "x"), "a short list is kept");
  await write("x", "a", { now: "labelled" });
  assert.equal(reader.list(PODS, "x")[0]!.metadata.labels?.["now"], "labelled");
  await write("x", "b");
  assert.deepEqual([names("x"), names("y"), reader.list(NAMESPACES, "")], [["a", "c"], NAMES, []]);
});
