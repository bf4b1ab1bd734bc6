import assert from "node:assert/strict";
import { test } from "node:test";

import type { Pod } from "#api/core-v1/types.ts";
import type { PodDisruptionBudget } from "#api/policy-v1/types.ts";
import { StatusError } from "#apimachinery/status-error.ts";

import { goesForFree, ignoresBudgets, spent } from "./disruption-budget.ts";

const NOW = "2026-01-01T00:00:00Z";

const budget = (status: object, spec: object = {}): PodDisruptionBudget =>
  ({ metadata: { name: "b", generation: 1 }, spec, status: { observedGeneration: 1, ...status } }) as unknown as PodDisruptionBudget;
const pod = (status: object, metadata: object = {}): Pod => ({ metadata: { name: "p", ...metadata }, status }) as unknown as Pod;
const ready = (status: string) => ({ phase: "Running", conditions: [{ type: "Ready", status }] });

for (const { name, given, want } of [
  { name: "a running pod", given: pod({ phase: "Running" }), want: false },
  { name: "a pod that has not begun", given: pod({ phase: "Pending" }), want: true },
  { name: "a pod that failed", given: pod({ phase: "Failed" }), want: true },
  { name: "a pod that goes", given: pod({ phase: "Running" }, { deletionTimestamp: NOW }), want: true },
]) {
  test(`ignoresBudgets() of ${name} is ${want}`, () => assert.equal(ignoresBudgets(given), want));
}

for (const { name, given, of, want } of [
  { name: "a ready pod costs", given: ready("True"), of: budget({ currentHealthy: 3, desiredHealthy: 1 }), want: false },
  { name: "an unready pod costs nothing while enough are healthy", given: ready("False"), of: budget({ currentHealthy: 1, desiredHealthy: 1 }), want: true },
  { name: "an unready pod costs while too few are healthy", given: ready("False"), of: budget({ currentHealthy: 0, desiredHealthy: 1 }), want: false },
  { name: "an unready pod costs where nothing is desired", given: ready("False"), of: budget({ currentHealthy: 0, desiredHealthy: 0 }), want: false },
  { name: "the budget may always let unready pods go", given: ready("False"), of: budget({}, { unhealthyPodEvictionPolicy: "AlwaysAllow" }), want: true },
]) {
  test(`goesForFree(): ${name}`, () => assert.equal(goesForFree(pod(given), of), want));
}

test("spent() takes one disruption, names the pod, and leaves the condition while there are more", () => {
  assert.deepEqual(spent(budget({ disruptionsAllowed: 2 }), "p", NOW).status, { observedGeneration: 1, disruptionsAllowed: 1, disruptedPods: { p: NOW } });
});

test("spent() says so in the condition when it takes the last", () => {
  const { disruptionsAllowed, conditions } = spent(budget({ disruptionsAllowed: 1 }), "p", NOW).status!;
  assert.equal(disruptionsAllowed, 0);
  const want = { type: "DisruptionAllowed", status: "False", observedGeneration: 1, lastTransitionTime: NOW, reason: "InsufficientPods", message: "" };
  assert.deepEqual(conditions, [want]);
});

const failed = { type: "DisruptionAllowed", status: "False", reason: "SyncFailed", message: "no selector" };
for (const { status, code, message } of [
  { status: { observedGeneration: 0 }, code: 429, message: "The disruption budget b is still being processed by the server." },
  {
    status: { disruptionsAllowed: 0, desiredHealthy: 2, currentHealthy: 1 },
    code: 429,
    message: "The disruption budget b needs 2 healthy pods and has 1 currently",
  },
  {
    status: { disruptionsAllowed: 0, conditions: [failed] },
    code: 429,
    message: "The disruption budget b does not allow evicting pods currently because it failed sync: no selector",
  },
  {
    status: { disruptionsAllowed: 0, desiredHealthy: 1, currentHealthy: 2 },
    code: 429,
    message: "The disruption budget b does not allow evicting pods currently",
  },
  { status: { disruptionsAllowed: -1 }, code: 403, message: undefined },
]) {
  test(`spent() refuses with ${code}: ${message}`, () => {
    assert.throws(
      () => spent(budget(status), "p", NOW),
      (error) => {
        assert.ok(error instanceof StatusError);
        assert.deepEqual([error.code, error.status.details?.causes?.[0]?.message], [code, message]);
        return true;
      },
    );
  });
}
