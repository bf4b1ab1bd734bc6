import assert from "node:assert/strict";
import { test } from "node:test";

import type { Strategy } from "#api/strategy.ts";
import { told } from "#test/strategies/told.ts";

import { persistentVolumeClaimStrategy } from "../persistent-volume-claim/strategy.ts";

import { persistentVolumeStrategy } from "./strategy.ts";

const volume = { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" } };
const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

for (const { strategy, given, want } of [
  {
    strategy: persistentVolumeStrategy,
    given: { spec: { ...volume, hostPath: { path: "/data" } } },
    want: [],
  },
  {
    strategy: persistentVolumeStrategy,
    given: { spec: volume },
    want: ["spec: Required value: must specify a volume type"],
  },
  {
    strategy: persistentVolumeStrategy,
    given: { spec: { ...volume, nfs: { server: "s", path: "/" }, hostPath: { path: "/data" } } },
    want: ["spec.nfs: Forbidden: may not specify more than 1 volume type"],
  },
  {
    strategy: persistentVolumeStrategy,
    given: { spec: { ...volume, local: { path: "/mnt" } } },
    want: ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
  },
  {
    strategy: persistentVolumeClaimStrategy,
    given: { spec: claim },
    want: [],
  },
  {
    strategy: persistentVolumeClaimStrategy,
    given: { spec: { accessModes: ["ReadWriteOnce"] } },
    want: ["spec.resources[storage]: Required value"],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}

test("a bound claim may ask for more, and an unbound one for nothing else", () => {
  const made = (phase: string, storage: string) =>
    ({
      metadata: { name: "x", namespace: "a" },
      spec: { ...claim, resources: { requests: { storage } } },
      status: { phase, capacity: { storage: "1Gi" } },
    }) as never;
  const update = (phase: string, storage: string) => (persistentVolumeClaimStrategy as Strategy).validateUpdate?.(made(phase, storage), made(phase, "1Gi"));
  assert.deepEqual(update("Bound", "2Gi"), []);
  assert.equal(update("Pending", "2Gi")?.length, 1);
  assert.equal(update("Bound", "512Mi")?.length, 1);
});

test("persistentVolumeClaimStrategy copies a source between its two fields, and drops one that the older never knew", () => {
  const prepared = (spec: object) => {
    const object = { metadata: { name: "x" }, spec: { ...claim, ...spec } };
    (persistentVolumeClaimStrategy as Strategy).prepareForCreate?.(object as never, {} as never);
    return object.spec as { dataSource?: unknown; dataSourceRef?: unknown };
  };
  const source = { kind: "PersistentVolumeClaim", name: "other" };
  assert.deepEqual(prepared({ dataSource: source }).dataSourceRef, source);
  assert.deepEqual(prepared({ dataSourceRef: source }).dataSource, source);
  assert.equal(prepared({ dataSource: { kind: "Other", name: "x" } }).dataSource, undefined);
});
