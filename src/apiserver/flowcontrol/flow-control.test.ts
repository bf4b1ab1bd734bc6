import assert from "node:assert/strict";
import { test } from "node:test";

import type { FlowSchema, PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import objects from "#apiserver/bootstrap/objects.json" with { type: "json" };
import type { UserInfo } from "#apiserver/user.ts";
import { SimClock } from "#lib/sim-clock.ts";

import type { FlowRequest } from "./classifier.ts";
import { FlowControl, type Seat } from "./flow-control.ts";
import { MAX_WAIT_MS } from "./priority-level.ts";

const user = (name: string, ...groups: string[]): UserInfo => ({ name, uid: "", groups, extra: {} });
const account = (namespace: string, name = "default") =>
  user(`system:serviceaccount:${namespace}:${name}`, "system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated");
const request = (of: UserInfo, parts: Partial<FlowRequest> = {}): FlowRequest => ({
  user: of,
  verb: "create",
  group: "",
  plural: "pods",
  subresource: "",
  namespace: "default",
  ...parts,
});
const neverGone = () => new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The objects that every cluster has, and what a test changes of them. */
function world(change: (object: KubeObject) => KubeObject | undefined = (object) => object) {
  const all = (objects as unknown as KubeObject[]).flatMap((object) => change(object) ?? []);
  const clock = new SimClock();
  const reader = { lookup: () => undefined, list: ({ kind }: Resource) => all.filter((object) => object.kind === kind) };
  const listeners: (() => void)[] = [];
  const watcher = { onChange: (_: unknown, listener: () => void) => void listeners.push(listener) };
  const flow = new FlowControl({ reader: reader as never, watcher, clock });
  const replace = (object: KubeObject) => {
    all.splice(
      all.findIndex(({ metadata, kind }) => kind === object.kind && metadata.name === object.metadata.name),
      1,
      object,
    );
    for (const listener of listeners) listener();
  };
  return { flow, clock, replace, all };
}

/** Few seats: 6 of 600, that a test fills in no time. */
const narrow = (object: KubeObject): KubeObject => {
  if (object.kind !== "PriorityLevelConfiguration") return object;
  const level = object as unknown as PriorityLevelConfiguration;
  const share = level.metadata.name === "workload-low" ? 1 : level.metadata.name === "catch-all" ? 99 : 0;
  const limited = level.spec.limited && { ...level.spec.limited, nominalConcurrencyShares: share, lendablePercent: 0, borrowingLimitPercent: 0 };
  return { ...object, spec: { ...level.spec, ...(limited && { limited }) } } as KubeObject;
};

const node = user("system:node:n1", "system:nodes", "system:authenticated");
for (const [name, asked, schema, level] of [
  ["an administrator", request(user("admin", "system:masters", "system:authenticated")), "exempt", "exempt"],
  ["a probe", { ...request(user("system:anonymous", "system:unauthenticated")), verb: "get", path: "/readyz", plural: "" }, "probes", "exempt"],
  ["a node's status", request(node, { verb: "patch", plural: "nodes", subresource: "status", namespace: "" }), "system-node-high", "node-high"],
  [
    "a node's lease",
    request(node, { verb: "update", group: "coordination.k8s.io", plural: "leases", namespace: "kube-node-lease" }),
    "system-node-high",
    "node-high",
  ],
  ["a node's pod", request(node, { verb: "get" }), "system-nodes", "system"],
  ["the scheduler", request(user("system:kube-scheduler", "system:authenticated")), "kube-scheduler", "workload-high"],
  ["an account of kube-system", request(account("kube-system")), "kube-system-service-accounts", "workload-high"],
  ["another account", request(account("default")), "service-accounts", "workload-low"],
  ["somebody", request(user("ann", "system:authenticated")), "global-default", "global-default"],
  ["nobody of any group", request(user("ghost")), "catch-all", "catch-all"],
] as const) {
  test(`FlowControl.enter() serves ${name} by ${schema}`, () => {
    const seat = world().flow.enter(asked, neverGone) as Seat;
    assert.deepEqual([seat.schemaName, seat.level.name, seat.level.running], [schema, level, 1]);
  });
}

test("FlowControl.enter() lets a client that floods the server wait for itself alone", async () => {
  const { flow } = world(narrow);
  const done: string[] = [];
  const enter = (of: string) => {
    const seat = flow.enter(request(account(of)), neverGone);
    if (!(seat instanceof Promise)) return seat;
    void seat.then(() => done.push(of));
    return undefined;
  };
  const running = Array.from({ length: 100 }, () => enter("flood")).filter((seat) => seat !== undefined);
  assert.equal(running.length, 6);
  assert.equal(enter("calm"), undefined);
  // The flood has a hand of six queues, each with a turn of its own.
  for (let i = 0; i < 7; i++) running[0]!.level.leave();
  await settled();
  assert.deepEqual([done.length, done.includes("calm"), running[0]!.level.waiting], [7, true, 88]);
});

test("FlowControl.enter() refuses what finds queues full, and what has waited for too long or for nobody", async () => {
  const { flow, clock } = world(narrow);
  const waits: Promise<Seat>[] = [];
  const gone = new AbortController();
  const enter = (signal = neverGone) => flow.enter(request(account("flood")), signal);
  let first: Seat | undefined;
  for (let i = 0; i < 6; i++) first = enter() as Seat;
  const cancelled = enter(() => gone.signal) as Promise<Seat>;
  const refused = () => {
    for (let i = 0; i < 1000; i++) waits.push(enter() as Promise<Seat>);
  };
  assert.throws(refused, { reason: "queue-full" });
  gone.abort();
  await assert.rejects(cancelled, { reason: "cancelled" });
  assert.equal(first!.level.waiting, waits.length);
  clock.advance(MAX_WAIT_MS);
  for (const wait of waits) await assert.rejects(wait, { reason: "time-out" });
  assert.deepEqual([first!.level.waiting, first!.level.running], [0, 6]);
  for (let i = 0; i < 6; i++) first!.level.leave();
  assert.ok(!(enter() instanceof Promise));
});

test("FlowControl.enter() borrows seats that others lend, and gives them back when they are wanted", async () => {
  const level = (name: string, shares: number, lendablePercent: number) => (object: KubeObject) => {
    const { metadata, spec } = object as unknown as PriorityLevelConfiguration;
    if (metadata.name !== name) return object;
    return { ...object, spec: { ...spec, limited: { ...spec.limited, nominalConcurrencyShares: shares, lendablePercent } } } as KubeObject;
  };
  const { flow } = world((object) => {
    if (object.kind !== "PriorityLevelConfiguration") return object;
    if (["workload-low", "global-default"].includes(object.metadata.name)) return level("workload-low", 1, 0)(level("global-default", 1, 50)(object));
    return object.metadata.name === "exempt" || object.metadata.name === "catch-all" ? level("catch-all", 98, 0)(object) : undefined;
  });
  const low = () => flow.enter(request(account("a")), neverGone);
  const global = () => flow.enter(request(user("ann", "system:authenticated")), neverGone);
  const running: Seat[] = [];
  let next = low();
  for (; !(next instanceof Promise); next = low()) running.push(next);
  assert.equal(running.length, 9); // its 6, and half of the other's 6
  for (let i = 0; i < 3; i++) assert.ok(!(global() instanceof Promise));
  const wanted = global();
  assert.ok(wanted instanceof Promise);
  running[0]!.level.leave(); // the ninth seat of workload-low goes to who lent it, or to who waited first
  running[0]!.level.leave();
  assert.equal(((await wanted) as Seat).level.name, "global-default");
  await next;
});

test("FlowControl.enter() follows changes of the objects", () => {
  const { flow, replace, all } = world();
  const ann = () => (flow.enter(request(user("ann", "system:authenticated")), neverGone) as Seat).schemaName;
  assert.equal(ann(), "global-default");
  const found = all.find(({ metadata, kind }) => kind === "FlowSchema" && metadata.name === "system-nodes")! as unknown as FlowSchema;
  const rule = {
    subjects: [{ kind: "User", user: { name: "ann" } }],
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"] }],
  };
  replace({ ...found, spec: { ...found.spec, rules: [rule] } } as unknown as KubeObject);
  assert.equal(ann(), "system-nodes");
});

test("FlowControl.enter() holds without any object: administrators are served, others are by the few seats of the catch-all", () => {
  const { flow } = world(() => undefined);
  assert.equal((flow.enter(request(user("admin", "system:masters")), neverGone) as Seat).level.name, "exempt");
  for (let i = 0; i < 600; i++) assert.ok(!(flow.enter(request(account("a")), neverGone) instanceof Promise));
  assert.throws(() => flow.enter(request(account("a")), neverGone), { reason: "concurrency-limit" });
});
