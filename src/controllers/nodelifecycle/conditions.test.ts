import assert from "node:assert/strict";
import { test } from "node:test";

import type { Node } from "#api/core-v1/types.ts";
import { desiredTaints, silentConditions } from "#controllers/nodelifecycle/conditions.ts";
import { nodeNamed, timeAt } from "#controllers/testing/objects.ts";

const taint = (key: string, effect: string) => ({ key: `node.kubernetes.io/${key}`, effect });
const EXECUTE = [taint("not-ready", "NoSchedule"), taint("not-ready", "NoExecute")];

function nodeWith(conditions: Readonly<Record<string, string>>, taints: readonly object[] = [], unschedulable = false): Node {
  const list = Object.entries(conditions).map(([type, status]) => ({ type, status }));
  return { ...nodeNamed("n"), spec: { taints, unschedulable }, status: { conditions: list } } as unknown as Node;
}

for (const { name, node, eviction = "allowed", want } of [
  { name: "leaves a ready node bare", node: nodeWith({ Ready: "True" }), want: [] },
  { name: "drives pods off a silent node", node: nodeWith({ Ready: "Unknown" }), want: ["unreachable:NoSchedule", "unreachable:NoExecute"] },
  {
    name: "keeps new pods off by each condition",
    node: nodeWith({ Ready: "True", DiskPressure: "True", PIDPressure: "Unknown" }),
    want: ["disk-pressure:NoSchedule"],
  },
  { name: "tells of a cordon", node: nodeWith({ Ready: "True" }, [], true), want: ["unschedulable:NoSchedule"] },
  { name: "does not begin to drive off while held", node: nodeWith({ Ready: "Unknown" }), eviction: "held", want: ["unreachable:NoSchedule"] },
  {
    name: "goes on from unready to silent, even while held",
    node: nodeWith({ Ready: "Unknown" }, EXECUTE),
    eviction: "held",
    want: ["unreachable:NoSchedule", "unreachable:NoExecute"],
  },
  {
    name: "takes back what was begun when nobody is heard",
    node: nodeWith({ Ready: "False" }, EXECUTE),
    eviction: "withdrawn",
    want: ["not-ready:NoSchedule"],
  },
  { name: "takes its taints off again", node: nodeWith({ Ready: "True" }, EXECUTE), want: [] },
  {
    name: "keeps taints of others",
    node: nodeWith({ Ready: "True" }, [taint("mine", "NoSchedule"), taint("unreachable", "PreferNoSchedule")]),
    want: ["mine:NoSchedule", "unreachable:PreferNoSchedule"],
  },
  { name: "keeps what a node registered with until it speaks", node: nodeWith({}, [taint("not-ready", "NoSchedule")]), want: ["not-ready:NoSchedule"] },
] as const) {
  test(`desiredTaints() ${name}`, () => {
    const taints = desiredTaints(node, eviction, 0);
    assert.deepEqual(
      taints.map(({ key, effect }) => `${key.slice("node.kubernetes.io/".length)}:${effect}`),
      want,
    );
    const settled = { ...node, spec: { ...node.spec, taints } } as Node;
    assert.equal(desiredTaints(settled, eviction, 0), taints);
  });
}

test("silentConditions() makes unknown what a kubelet told, adds what it never told, and then stays the same", () => {
  const node = nodeWith({ Ready: "True", NetworkUnavailable: "False", DiskPressure: "Unknown" });
  const conditions = silentConditions(node, Date.parse(timeAt(9)));
  assert.deepEqual(
    conditions.map(({ type, status, reason }) => [type, status, reason]),
    [
      ["Ready", "Unknown", "NodeStatusUnknown"],
      ["NetworkUnavailable", "False", undefined],
      ["DiskPressure", "Unknown", undefined],
      ["MemoryPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated"],
    ],
  );
  assert.equal(silentConditions({ ...node, status: { ...node.status, conditions } } as Node, 0), conditions);
});
