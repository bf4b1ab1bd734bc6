import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { whyNoContainers } from "#test/integration/support/node-config.ts";

import { CrashCluster } from "./crash-cluster.ts";
import { countSteps, type Phase, playRound } from "./rounds.ts";
import type { Victim } from "./steps.ts";

/** Those after which most is left behind; `node bench/node-crash.ts` plays all. */
const ROUNDS: readonly { readonly phase: Phase; readonly step: RegExp; readonly victims: readonly Victim[] }[] = [
  { phase: "start", step: /^after mount/, victims: ["agent"] },
  { phase: "start", step: /^after host-local ADD/, victims: ["agent", "containerd"] },
  { phase: "start", step: /^before portmap ADD/, victims: ["containerd"] },
  { phase: "start", step: /^before runc create/, victims: ["agent", "containerd"] },
  { phase: "start", step: /^after runc create/, victims: ["containerd"] },
  { phase: "start", step: /^before runc start/, victims: ["agent", "containerd", "shim"] },
  { phase: "end", step: /^after runc kill/, victims: ["shim"] },
  { phase: "end", step: /^before runc delete/, victims: ["agent", "containerd", "shim"] },
  { phase: "end", step: /^before portmap DEL/, victims: ["containerd"] },
  { phase: "end", step: /^after RemoveContainer/, victims: ["agent"] },
];

describe("startKubelet() after a kill in the midst of a pod's start or end", { skip: whyNoContainers() ?? false }, () => {
  let cluster: CrashCluster;
  let steps: Awaited<ReturnType<typeof countSteps>>;
  before(async () => {
    cluster = await CrashCluster.start();
    steps = await countSteps(cluster);
  });
  after(() => cluster?.close());

  for (const { phase, step, victims } of ROUNDS) {
    test(`goes on and leaves nothing: ${phase}, ${step.source.slice(1)}, ${victims.join(" and ")}`, async () => {
      const name = steps[phase].find((each) => step.test(each));
      assert.ok(name !== undefined, `there is no such step in ${steps[phase].join("\n")}`);
      // By name: in the next pod's end it may have another number.
      const fired = (await playRound(cluster, { phase, at: { step: name }, victims })) ?? "nothing";
      assert.match(fired, step);
    });
  }
});
