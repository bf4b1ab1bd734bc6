import assert from "node:assert/strict";
import { test } from "node:test";

import { isAvailable, LOCAL, withAvailability } from "#api/apiregistration-v1/conditions.ts";
import type { APIService } from "#api/apiregistration-v1/types.ts";
import type { Service } from "#api/core-v1/types.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";

import { SimClock } from "#lib/sim-clock.ts";

import type { RemoteService } from "./api-services.ts";
import { registrationCall } from "./auto-registration.ts";
import { missingBehind } from "./availability.ts";
import { afterPatience } from "./patient-timer.ts";
import { fromResourceList } from "./remote-discovery.ts";
import { identityHeaders, remoteHeaders } from "./remote-headers.ts";

const MANAGED = "kube-aggregator.kubernetes.io/automanaged";
const spec = { group: "g.example.com", version: "v1", groupPriorityMinimum: 1000, versionPriority: 100 };
const registered = (labels: Readonly<Record<string, string>>, more: object = {}) =>
  ({ metadata: { name: "v1.g.example.com", uid: "u", labels }, spec: { ...spec, ...more }, status: {} }) as unknown as APIService;

for (const { name, current, wanted, verb } of [
  { name: "makes what a definition wants", current: undefined, wanted: spec, verb: "create" },
  { name: "does nothing for nobody", current: undefined, wanted: undefined, verb: undefined },
  { name: "leaves what is right", current: registered({ [MANAGED]: "true" }), wanted: spec, verb: undefined },
  { name: "puts right what was changed", current: registered({ [MANAGED]: "true" }, { versionPriority: 5 }), wanted: spec, verb: "update" },
  { name: "leaves what somebody has made his own", current: registered({}, { versionPriority: 5 }), wanted: spec, verb: undefined },
  { name: "leaves those of the server's own groups", current: registered({ [MANAGED]: "onstart" }), wanted: undefined, verb: undefined },
  { name: "deletes what no definition wants", current: registered({ [MANAGED]: "true" }), wanted: undefined, verb: "delete" },
]) {
  test(`registrationCall() ${name}`, () => assert.equal(registrationCall(current, wanted)?.verb, verb));
}

test("withAvailability() keeps the hour as long as the answer stays, and the object when nothing is new", () => {
  const first = withAvailability(registered({}), LOCAL, "2026-01-01T00:00:00Z");
  assert.ok(isAvailable(first) && !isAvailable(registered({})));
  assert.equal(withAvailability(first, LOCAL, "2026-01-01T00:00:01Z"), first);
  const later = withAvailability(first, { status: "True", reason: "Passed", message: "m" }, "2026-01-01T00:00:02Z");
  assert.deepEqual(later.status.conditions, [
    { type: "Available", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z", reason: "Passed", message: "m" },
  ]);
  const gone = withAvailability(later, { status: "False", reason: "ServiceNotFound", message: "m" }, "2026-01-01T00:00:03Z");
  assert.equal(gone.status.conditions?.[0]?.lastTransitionTime, "2026-01-01T00:00:03Z");
});

const remote = { metadata: { name: "v1.g" }, spec: { ...spec, service: { name: "s", namespace: "n" } } } as unknown as RemoteService;
const service = (more: object) => ({ spec: { ports: [{ port: 443 }], ...more } }) as unknown as Service;
const slice = (ready: boolean | undefined, name = "", port: number | undefined = 8443) =>
  ({ endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready } }], ports: [{ name, port }] }) as unknown as EndpointSlice;

for (const [reason, world] of [
  ["ServiceNotFound", { service: undefined, slices: [] }],
  ["ServicePortError", { service: service({ ports: [{ port: 80 }] }), slices: [] }],
  ["EndpointsNotFound", { service: service({}), slices: [] }],
  ["MissingEndpoints", { service: service({}), slices: [slice(false)] }],
  ["MissingEndpoints", { service: service({}), slices: [slice(true, "other")] }],
  [undefined, { service: service({}), slices: [slice(false), slice(true)] }],
  [undefined, { service: service({}), slices: [slice(undefined)] }],
  [undefined, { service: service({ type: "ExternalName" }), slices: [] }],
] as const) {
  test(`missingBehind() finds ${reason ?? "nothing"} with ${JSON.stringify(world)}`, () => {
    assert.equal(missingBehind({ remote, ...world })?.reason, reason);
  });
}

test("remoteHeaders() says for whom is asked, whatever the client wrote", () => {
  const user = { name: "jürgen", uid: "u", groups: ["a", "b"], extra: { "example.com/Team name": ["x", "y"] } };
  const given = {
    "x-remote-user": "root",
    "x-remote-uid": "0",
    "x-remote-extra-z": "1",
    "x-forwarded-for": "192.0.2.1",
    authorization: "Bearer t",
    accept: "*/*",
  };
  const sent = remoteHeaders(given, { user, authority: "10.0.0.9:443", path: "/apis", auditId: "id", from: "192.0.2.2" });
  const { "X-Remote-User": name, "X-Remote-Group": groups, ...rest } = sent;
  assert.equal(Buffer.from(String(name), "latin1").toString(), "jürgen");
  assert.deepEqual(groups, ["a", "b"]);
  assert.deepEqual(rest, {
    accept: "*/*",
    host: "10.0.0.9:443",
    "X-Remote-Uid": "u",
    "X-Remote-Extra-example.com%2FTeam%20name": ["x", "y"],
    "audit-id": "id",
    "x-forwarded-for": "192.0.2.1, 192.0.2.2",
    "x-forwarded-host": "10.0.0.9:443",
    "x-forwarded-proto": "https",
    "x-forwarded-uri": "/apis",
  });
  assert.deepEqual(identityHeaders({ name: "n", uid: "", groups: [], extra: {} }), { "X-Remote-User": "n" });
});

test("fromResourceList() puts subresources under their resource", () => {
  const verbs = ["get"];
  const resources = [
    { name: "things", singularName: "thing", namespaced: true, kind: "Thing", verbs, shortNames: ["t"] },
    { name: "things/scale", singularName: "", namespaced: true, group: "autoscaling", version: "v1", kind: "Scale", verbs },
  ];
  assert.deepEqual(fromResourceList("v1", { resources }), {
    version: "v1",
    resources: [
      {
        resource: "things",
        responseKind: { group: "", version: "", kind: "Thing" },
        scope: "Namespaced",
        singularResource: "thing",
        verbs,
        shortNames: ["t"],
        subresources: [{ subresource: "scale", responseKind: { group: "autoscaling", version: "v1", kind: "Scale" }, verbs }],
      },
    ],
  });
});

test("afterPatience() calls once, after its time, unless it is cancelled", () => {
  const clock = new SimClock(0);
  let calls = 0;
  afterPatience(clock, 5000, () => calls++);
  afterPatience(clock, 5000, () => calls++).cancel();
  clock.advance(4999);
  assert.equal(calls, 0);
  clock.advance(60_000);
  assert.equal(calls, 1);
});
