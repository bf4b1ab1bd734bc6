import assert from "node:assert/strict";
import { test } from "node:test";

import type { PersistentVolumeClaim } from "#api/core-v1/types.ts";

import { validateClaimStatus } from "./validate-status.ts";

for (const { status, want } of [
  { status: { capacity: { storage: "1Gi" }, allocatedResources: { storage: "2Gi", "example.com/x": "1" } }, want: [] },
  { status: { capacity: { storage: "-1" } }, want: ["status.capacity[storage]"] },
  { status: { allocatedResources: { cpu: "1" } }, want: ["status.allocatedResources"] },
  { status: { allocatedResources: { storage: "-1" } }, want: ["status.allocatedResources[storage]"] },
  { status: { allocatedResourceStatuses: { storage: "NodeResizePending" } }, want: [] },
  { status: { allocatedResourceStatuses: { storage: "Foo" } }, want: ["status.allocatedResourceStatuses"] },
]) {
  test(`validateClaimStatus() of ${JSON.stringify(status)}`, () => {
    const claim = { metadata: { name: "c" }, spec: { accessModes: ["ReadWriteOnce"] }, status } as unknown as PersistentVolumeClaim;
    assert.deepEqual(
      validateClaimStatus(claim).map(({ field }) => field),
      want,
    );
  });
}
