import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLoad } from "./load.ts";
import { median, quantile } from "./statistics.ts";

const PRINTED = `create       2451 /s  p50 23.0 ms  p99 82.5 ms  failed 1
get         13791 /s  p50 4.1 ms  p99 14.8 ms  failed 0
list     8817 pods, 23.0 MB, 84 ms (200)
list     8817 pods, 23.0 MB, 217 ms (200)
list rv0 8817 pods, 23.0 MB, 80 ms (200)
watch      189025 deliveries/s to 1000 watchers, 1199000 of 1200000, latency p50 1011.2 ms p99 2880.5 ms
`;

test("parseLoad() reads every line of the load program but the list from the cache", () => {
  assert.deepEqual(parseLoad(PRINTED), {
    create: { perSecond: 2451, p50: 23, p99: 82.5, failed: 1 },
    get: { perSecond: 13_791, p50: 4.1, p99: 14.8, failed: 0 },
    lists: [
      { items: 8817, megabytes: 23, ms: 84 },
      { items: 8817, megabytes: 23, ms: 217 },
    ],
    watch: { perSecond: 189_025, delivered: 1_199_000, offered: 1_200_000, p50: 1011.2, p99: 2880.5, failed: 0 },
  });
});

test("parseLoad() leaves out phases that did not run", () => {
  assert.deepEqual(parseLoad("create 10 /s  p50 1.0 ms  p99 2.0 ms  failed 0\n"), { create: { perSecond: 10, p50: 1, p99: 2, failed: 0 }, lists: [] });
});

test("quantile() lies between its neighbours", () => {
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3]), quantile([0, 10], 0.99), quantile([7], 0.5)], [2, 2.5, 9.9, 7]);
});
