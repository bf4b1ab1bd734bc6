import assert from "node:assert/strict";
import { test } from "node:test";

import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { DEPLOYMENTS, PODS, REPLICA_SETS } from "#api/builtin.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { ApiCall } from "#client/transport.ts";

import { type Program, programOf, type Shape } from "./program.ts";
import { type Mutation, simulate } from "./simulation.ts";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

const isSetWrite = ({ resource, subresource, verb }: ApiCall) =>
  resource === REPLICA_SETS && subresource === undefined && (verb === "create" || verb === "update");
const resized = (call: ApiCall, by: (size: number) => number): ApiCall => {
  const set = call.body as ReplicaSet;
  return { ...call, body: { ...set, spec: { ...set.spec, replicas: by(set.spec.replicas ?? 1) } } };
};
const isLetGo = ({ body }: ApiCall) => "ownerReferences" in (body as KubeObject).metadata;
const changed = (call: ApiCall, change: object): ApiCall => ({ ...call, body: { ...(call.body as object), ...change } });

const SHAPE: Shape = { replicas: 3, maxSurge: 1, maxUnavailable: 0, recreate: false, minReadySeconds: 0, milliCpu: 50, image: "app:1" };
/** For mutants that need something certain to happen. */
const ROLLOUT: Program = {
  seed: 1,
  isRemote: false,
  nodes: 3,
  steps: [
    { do: "createDeployment", which: 0, shape: SHAPE, atMs: 12_000 },
    { do: "image", which: 0, image: "app:2", atMs: 30_000 },
  ],
};

/** Faults of the product that the checks must find, put in between it and the API. */
const MUTANTS: readonly { readonly name: string; readonly mutation: () => Mutation; readonly finds: RegExp; readonly program?: Program }[] = [
  {
    name: "sets that grow beyond the surge",
    mutation: () => ({ request: (call) => (isSetWrite(call) ? resized(call, (size) => (size > 0 ? size + 2 : 0)) : call) }),
    finds: /replicas where \d+ may be/,
  },
  {
    name: "sets that shrink although the others are not available",
    mutation: () => ({
      seen: (event) => {
        if ((event.object as KubeObject & { kind?: string }).kind !== "ReplicaSet") return event;
        const { spec, status, ...rest } = event.object as ReplicaSet;
        return { ...event, object: { ...rest, spec, status: { ...status, availableReplicas: spec.replicas } } as unknown as KubeObject };
      },
    }),
    finds: /available where \d+ must be/,
    program: ROLLOUT,
  },
  {
    name: "sets that call pods ready before they are",
    mutation: () => ({
      request: (call) =>
        call.resource === REPLICA_SETS && call.subresource === "status"
          ? changed(call, { status: { ...(call.body as ReplicaSet).status, readyReplicas: (call.body as ReplicaSet).status?.replicas } })
          : call,
    }),
    finds: /ready pods, and/,
  },
  {
    name: "pods that are bound without a look at the room",
    mutation: () => ({
      request: (call) => (call.subresource === "binding" ? changed(call, { target: { apiVersion: "v1", kind: "Node", name: "n1" } }) : call),
    }),
    finds: /is promised|takes \d+, with/,
  },
  {
    name: "pods that move to another node once they are bound",
    mutation: () => ({
      stored: (key, object) =>
        key.startsWith("/registry/pods/") && (object as { status?: { phase?: string } }).status?.phase === "Running"
          ? ({ ...object, spec: { ...(object as { spec?: object }).spec, nodeName: "elsewhere" } } as KubeObject)
          : object,
    }),
    finds: /moves from n\d to elsewhere/,
  },
  {
    name: "writes that are acknowledged and not kept",
    mutation: () => ({ forgets: (key) => key.startsWith("/registry/services/") }),
    finds: /never durable/,
  },
  {
    name: "a set's controller that creates each pod twice",
    mutation: () => ({ twice: (call) => call.resource === PODS && call.verb === "create" && call.subresource === undefined }),
    finds: /where the set has/,
  },
  {
    name: "a controller that never leaves off writing",
    mutation: () => {
      let count = 0;
      const restless = ({ body }: ApiCall) => ({ status: { ...(body as Deployment).status, unavailableReplicas: 100 + (count++ % 2) } });
      return { request: (call) => (call.resource === DEPLOYMENTS && call.subresource === "status" ? changed(call, restless(call)) : call) };
    },
    finds: /no rest/,
    program: { ...ROLLOUT, steps: ROLLOUT.steps.slice(0, 1) },
  },
  {
    name: "controllers that miss an event now and then",
    mutation: () => {
      let count = 0;
      return { seen: (event) => (++count % 40 === 0 ? undefined : event) };
    },
    finds: /./,
  },
  {
    name: "updates that are taken although somebody else was faster",
    mutation: () => ({
      writers: (call) => (call.verb === "update" ? changed(call, { metadata: { ...(call.body as KubeObject).metadata, resourceVersion: undefined } }) : call),
    }),
    finds: /and the ledger says/,
  },
  {
    name: "watches that leave out an event",
    mutation: () => {
      let count = 0;
      return { auditors: (event) => (++count % 50 === 0 ? [] : [event]) };
    },
    finds: /was left out/,
  },
  {
    name: "a collector that lets an owner go and not what it owned",
    mutation: () => ({
      request: (call) => (call.resource === REPLICA_SETS && call.verb === "patch" && isLetGo(call) ? { ...call, body: { metadata: {} } } : call),
    }),
    finds: /may go \(orphan\), and still owns web-/,
    program: { ...ROLLOUT, steps: [...ROLLOUT.steps.slice(0, 1), { do: "deleteDeployment", which: 0, policy: "Orphan", atMs: 30_000 }] },
  },
  {
    name: "watches that tell twice",
    mutation: () => {
      let count = 0;
      return { auditors: (event) => (++count % 50 === 0 ? [event, event] : [event]) };
    },
    finds: /comes after/,
  },
];

for (const { name, mutation, finds, program } of MUTANTS) {
  test(`the simulation finds ${name}`, async () => {
    for (const candidate of program === undefined ? SEEDS.map(programOf) : [program]) {
      const { faults } = await simulate(candidate, mutation());
      if (faults.length === 0) continue;
      assert.match(faults.join("\n"), finds);
      return;
    }
    assert.fail("not found");
  });
}
