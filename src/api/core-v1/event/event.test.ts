import assert from "node:assert/strict";
import { test } from "node:test";

import type { Event } from "#api/core-v1/types.ts";
import { eventStrategy as newerStrategy } from "#api/events-v1/strategy.ts";
import type { Event as NewerEvent } from "#api/events-v1/types.ts";

import { eventStrategy } from "./strategy.ts";

const about = { kind: "Pod", namespace: "a", name: "web", uid: "u" };
const event = (fields: object) => ({ metadata: { name: "e", namespace: "a" }, involvedObject: about, source: {}, ...fields }) as unknown as Event;
const newer = (fields: object) => ({ metadata: { name: "e", namespace: "a" }, regarding: about, deprecatedSource: {}, ...fields }) as unknown as NewerEvent;
const fieldsOf = (errors: readonly { readonly field: string }[] | undefined) => errors?.map(({ field }) => field);

test("eventStrategy.selectableFields() has the source, or who reports in its place", () => {
  const fields = eventStrategy.selectableFields?.(event({ reason: "Started", reportingComponent: "kubelet" })) ?? {};
  assert.deepEqual(Object.keys(fields).sort(), [...(eventStrategy.selectableFieldNames ?? [])].sort());
  assert.equal(fields["involvedObject.name"], "web");
  assert.equal(fields["source"], "kubelet");
  assert.equal(eventStrategy.selectableFields?.(event({ source: { component: "own" } }))["source"], "own");
});

test("both versions of events can be selected by what they are about", () => {
  assert.equal(newerStrategy.selectableFields?.(newer({}))["regarding.uid"], "u");
});

test("eventStrategy asks older events for their namespace only, newer ones for a report", () => {
  assert.deepEqual(fieldsOf(eventStrategy.validateCreate?.(event({}))), []);
  assert.deepEqual(fieldsOf(eventStrategy.validateCreate?.(event({ involvedObject: { ...about, namespace: "b" } }))), ["involvedObject.namespace"]);
  const report = { eventTime: "2026-01-01T00:00:00.000000Z", reportingComponent: "x.io/c", reportingInstance: "i", action: "a", reason: "r" };
  assert.deepEqual(fieldsOf(eventStrategy.validateCreate?.(event(report))), []);
  assert.deepEqual(fieldsOf(eventStrategy.validateCreate?.(event({ ...report, action: "" }))), ["action"]);
});

test("events of the newer version change in their series only", () => {
  const old = newer({
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController: "x.io/c",
    reportingInstance: "i",
    action: "a",
    reason: "r",
    type: "Normal",
  });
  const series = { count: 2, lastObservedTime: "2026-01-01T00:00:01.000000Z" };
  assert.deepEqual(newerStrategy.validateUpdate?.({ ...old, series }, old), []);
  assert.deepEqual(fieldsOf(newerStrategy.validateUpdate?.({ ...old, note: "other" }, old)), ["message"]);
});
