import assert from "node:assert/strict";
import { test } from "node:test";

import { amountsOf } from "#api/core-v1/resource-quota/amounts.ts";
import type { ResourceQuota } from "#api/core-v1/types.ts";
import { isUncounted, quotaStatus } from "#controllers/resourcequota/reconcile.ts";

const quota = (hard?: object, status?: object) => ({ spec: { hard }, status }) as unknown as ResourceQuota;

for (const { name, of, usage, want } of [
  { name: "fills what is new", of: quota({ pods: "1" }), usage: { pods: "3" }, want: { hard: { pods: "1" }, used: { pods: "3" } } },
  { name: "leaves what is right", of: quota({ cpu: "1" }, { hard: { cpu: "1000m" }, used: { cpu: "0.5" } }), usage: { cpu: "500m" }, want: undefined },
  {
    name: "keeps what it does not know, and drops what is not bounded",
    of: quota({ pods: "1", x: "2" }, { hard: { pods: "1" }, used: { x: "1", y: "1" } }),
    usage: { pods: "0" },
    want: { hard: { pods: "1", x: "2" }, used: { pods: "0", x: "1" } },
  },
  { name: "leaves a quota of nothing", of: quota(undefined), usage: {}, want: undefined },
  { name: "takes limits away", of: quota({}, { hard: { pods: "1" }, used: { pods: "1" } }), usage: {}, want: { hard: {}, used: {} } },
]) {
  test(`quotaStatus() ${name}`, () => {
    assert.deepEqual(quotaStatus(of, amountsOf(usage as Record<string, string>)), want);
  });
}

for (const { name, of, want } of [
  { name: "one with new limits", of: quota({ pods: "1" }), want: true },
  { name: "one without a figure that can be had", of: quota({ pods: "1" }, { hard: { pods: "1" } }), want: true },
  { name: "not one whose figure nobody has", of: quota({ "x/y": "1" }, { hard: { "x/y": "1" } }), want: false },
  { name: "not one that was counted", of: quota({ pods: "1" }, { hard: { pods: "1" }, used: { pods: "0" } }), want: false },
]) {
  test(`isUncounted() finds ${name}`, () => {
    assert.equal(
      isUncounted(of, (each) => each === "pods"),
      want,
    );
  });
}
