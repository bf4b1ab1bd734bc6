import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { ALL_KINDS, resourceInfo } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { humanDuration } from "#apiserver/tables/cells.ts";
import { parseIncludeObject, renderTable, type IncludeObject } from "#apiserver/tables/render.ts";

const NOW = Date.parse("2026-01-02T00:00:00Z");
const HOUR_AGO = "2026-01-01T23:00:00Z";

function cellsOf(group: string, version: string, plural: string, fields: object): readonly unknown[] {
  const info = resourceInfo(group, version, plural)!;
  const object = { metadata: { name: "a", creationTimestamp: HOUR_AGO }, ...fields } as unknown as KubeObject;
  return renderTable({ info, objects: [object], includeObject: "None", apiVersion: "meta.k8s.io/v1", listMeta: {}, nowMs: NOW }).rows![0]!.cells;
}

const container = (name: string, state: object, more: object = {}) => ({ name, state, ...more });
const running = { running: {} };
const pod = (status: object, spec: object = {}, metadata: object = {}) =>
  cellsOf("", "v1", "pods", { metadata: { name: "a", creationTimestamp: HOUR_AGO, ...metadata }, spec: { containers: [{ name: "c" }], ...spec }, status });

for (const { name, cells, want } of [
  { name: "a pending pod", cells: pod({ phase: "Pending" }), want: ["a", "0/1", "Pending", "0", "60m", "<none>", "<none>", "<none>", "<none>"] },
  {
    name: "a running pod",
    cells: pod({ phase: "Running", podIPs: [{ ip: "10.42.0.2" }], containerStatuses: [container("c", running, { ready: true })] }, { nodeName: "n" }),
    want: ["a", "1/1", "Running", "0", "60m", "10.42.0.2", "n", "<none>", "<none>"],
  },
  {
    name: "a pod that crashes",
    cells: pod({
      phase: "Running",
      containerStatuses: [
        container("c", { waiting: { reason: "CrashLoopBackOff" } }, { restartCount: 3, lastState: { terminated: { finishedAt: "2026-01-01T23:59:00Z" } } }),
      ],
    }),
    want: ["a", "0/1", "CrashLoopBackOff", "3 (60s ago)", "60m"],
  },
  {
    name: "an init container that fails",
    cells: pod({ phase: "Pending", initContainerStatuses: [container("i", { terminated: { exitCode: 2 } })] }, { initContainers: [{ name: "i" }] }),
    want: ["a", "0/1", "Init:ExitCode:2", "0"],
  },
  {
    name: "init containers that go on",
    cells: pod(
      { phase: "Pending", initContainerStatuses: [container("i", { terminated: { exitCode: 0 } }), container("j", running)] },
      { initContainers: [{ name: "i" }, { name: "j" }] },
    ),
    want: ["a", "0/1", "Init:1/2", "0"],
  },
  {
    name: "a sidecar",
    cells: pod(
      {
        phase: "Running",
        initContainerStatuses: [container("i", running, { started: true, ready: true })],
        containerStatuses: [container("c", running, { ready: true })],
      },
      { initContainers: [{ name: "i", restartPolicy: "Always" }] },
    ),
    want: ["a", "2/2", "Running", "0"],
  },
  {
    name: "a completed pod",
    cells: pod({ phase: "Succeeded", containerStatuses: [container("c", { terminated: { exitCode: 0, reason: "Completed" } })] }),
    want: ["a", "0/1", "Completed", "0"],
  },
  {
    name: "one of two done",
    cells: pod({
      phase: "Running",
      conditions: [{ type: "Ready", status: "False" }],
      containerStatuses: [container("c", { terminated: { exitCode: 0, reason: "Completed" } }), container("d", running, { ready: true })],
    }),
    want: ["a", "1/1", "NotReady", "0"],
  },
  { name: "a pod that goes", cells: pod({ phase: "Running" }, {}, { deletionTimestamp: HOUR_AGO }), want: ["a", "0/1", "Terminating"] },
  {
    name: "a pod lost with its node",
    cells: pod({ phase: "Running", reason: "NodeLost" }, {}, { deletionTimestamp: HOUR_AGO }),
    want: ["a", "0/1", "Unknown"],
  },
  {
    name: "a deployment",
    cells: cellsOf("apps", "v1", "deployments", {
      spec: {
        replicas: 2,
        selector: { matchLabels: { b: "1" }, matchExpressions: [{ key: "a", operator: "In", values: ["y", "x"] }] },
        template: { spec: { containers: [{ name: "c", image: "i" }] } },
      },
      status: {},
    }),
    want: ["a", "0/2", 0, 0, "60m", "c", "i", "a in (x,y),b=1"],
  },
  {
    name: "a node",
    cells: cellsOf("", "v1", "nodes", {
      metadata: { name: "n", labels: { "node-role.kubernetes.io/b": "", "kubernetes.io/role": "a" } },
      spec: { unschedulable: true },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    }),
    want: ["n", "Ready,SchedulingDisabled", "a,b", "<unknown>"],
  },
  {
    name: "a load balancer",
    cells: cellsOf("", "v1", "services", {
      spec: { type: "LoadBalancer", clusterIPs: ["10.43.0.9"], ports: [{ port: 80, nodePort: 30080, protocol: "TCP" }] },
    }),
    want: ["a", "LoadBalancer", "10.43.0.9", "<pending>", "80:30080/TCP", "60m", "<none>"],
  },
  {
    name: "endpoints",
    cells: cellsOf("", "v1", "endpoints", { subsets: [{ addresses: [{ ip: "1.1.1.1" }, { ip: "1.1.1.2" }], ports: [{ port: 1 }, { port: 2 }] }] }),
    want: ["a", "1.1.1.1:1,1.1.1.2:1,1.1.1.1:2 + 1 more...", "60m"],
  },
  { name: "a kind without columns", cells: cellsOf("", "v1", "limitranges", {}), want: ["a", HOUR_AGO] },
]) {
  test(`renderTable() shows ${name}`, () => assert.deepEqual(cells.slice(0, want.length), want));
}

test("renderTable() gives every kind as many cells as columns, whatever is missing", () => {
  for (const info of ALL_KINDS) {
    const required = { provisioner: "p", driverName: "d", handler: "h", addressType: "IPv4" };
    const object = { metadata: { name: "a" }, spec: {}, roleRef: {}, template: {}, ...required } as unknown as KubeObject;
    const { columnDefinitions, rows } = renderTable({
      info,
      objects: [object],
      includeObject: "Object",
      apiVersion: "meta.k8s.io/v1",
      listMeta: {},
      nowMs: NOW,
    });
    const extra = info.kind === "IPAddress" ? 1 : 0;
    assert.equal(rows![0]!.cells.length, columnDefinitions.length + extra, info.kind);
    assert.equal(rows![0]!.cells.includes(undefined as never), false, info.kind);
  }
});

for (const [includeObject, want] of [
  ["None", null],
  ["Metadata", { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a" } }],
  ["Object", { kind: "Secret", apiVersion: "v1", metadata: { name: "a" }, type: "t" }],
] as const) {
  test(`renderTable() embeds ${includeObject}`, () => {
    const objects = [{ metadata: { name: "a" }, type: "t" } as unknown as KubeObject];
    const info = resourceInfo("", "v1", "secrets")!;
    const request = {
      info,
      objects,
      includeObject: parseIncludeObject(includeObject) as IncludeObject,
      apiVersion: "meta.k8s.io/v1",
      listMeta: {},
      nowMs: NOW,
    };
    assert.deepEqual(renderTable(request).rows![0]!.object, want);
    assert.deepEqual(renderTable({ ...request, withColumns: false }).columnDefinitions, []);
  });
}

test("parseIncludeObject() refuses what it does not know", () => {
  assert.throws(() => parseIncludeObject("Foo"), /includeObject: Invalid value: "Foo": must be 'Metadata', 'Object', 'None', or empty/);
});

for (const [seconds, want] of [
  [-2, "<invalid>"],
  [0, "0s"],
  [119, "119s"],
  [120, "2m"],
  [599, "9m59s"],
  [10_799, "179m"],
  [10_800, "3h"],
  [100_000, "27h"],
  [180_000, "2d2h"],
  [700_000, "8d"],
  [100_000_000, "3y62d"],
  [300_000_000, "9y"],
] as const) {
  test(`humanDuration() says ${want} for ${seconds} s`, () => assert.equal(humanDuration(seconds * 1000), want));
}

test("humanDuration() never says more than two units", () => {
  fc.assert(fc.property(fc.nat(2 ** 40), (ms) => assert.match(humanDuration(ms), /^\d+[smhdy](\d+[smhd])?$/)));
});
