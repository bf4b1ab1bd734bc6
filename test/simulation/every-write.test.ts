import assert from "node:assert/strict";
import { test } from "node:test";

import type { Program, Shape, Step } from "./program.ts";
import { simulate } from "./simulation.ts";

const SHAPE: Shape = { replicas: 2, maxSurge: 1, maxUnavailable: 0, recreate: false, minReadySeconds: 0, milliCpu: 50, image: "app:1" };
/** More groups of writes than the deployment's start, or its update, takes. */
const GROUPS = 36;

/** A deployment with a service starts and is updated; at one of the writes that follow the step, the server dies. */
function program(seed: number, crashAtMs: number, phase: "before" | "after", afterGroups: number): Program {
  const steps: Step[] = [
    { do: "createService", which: 0, atMs: 12_000 },
    { do: "createDeployment", which: 0, shape: SHAPE, atMs: 12_010 },
    { do: "image", which: 0, image: "app:2", atMs: 30_000 },
    { do: "crashServer", phase, afterGroups, downMs: 1_000, atMs: crashAtMs },
  ];
  return { seed, isRemote: seed % 2 === 0, nodes: 2, steps: steps.sort((a, b) => a.atMs - b.atMs) };
}

for (const { name, atMs } of [
  { name: "that a deployment's start makes", atMs: 12_009 },
  { name: "that an update makes", atMs: 29_999 },
])
  for (const phase of ["before", "after"] as const)
    test(`a crash ${phase} one of the writes ${name} loses nothing, and does nothing twice`, async () => {
      for (let group = phase === "before" ? 0 : 1; group < GROUPS; group += 3) {
        const { faults } = await simulate(program(group >> 1, atMs, phase, group));
        assert.deepEqual(faults, [], `crash ${phase} write ${group}`);
      }
    });
