import assert from "node:assert/strict";
import { test } from "node:test";

import type { CronJob, Job } from "#api/batch-v1/types.ts";
import type { Mutable, Strategy, StrategyContext } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { cronJobStrategy } from "./cron-job.ts";
import { parseIndexes } from "./indexes.ts";
import { jobStrategy } from "./job.ts";
import { scheduleProblem, timeZoneProblem } from "./schedule.ts";

const CONTEXT: StrategyContext = { now: "2026-01-01T00:00:00Z", user: { name: "u", uid: "", groups: [], extra: {} } };
const TEMPLATE = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "a:1", resources: {} }] } };

function made<T extends KubeObject>(strategy: Strategy<T>, spec: object): T {
  const draft = { metadata: { name: "x", namespace: "n", uid: "u-1" }, spec: structuredClone(spec), status: {} } as unknown as Mutable<T>;
  strategy.applyDefaults!(draft);
  strategy.prepareForCreate!(draft, CONTEXT);
  return draft as T;
}

const told = (errors: readonly { field: string; text: string }[]) => errors.map(({ field, text }) => `${field}: ${text}`);

test("jobStrategy selects a job's pods by its uid", () => {
  const job = made<Job>(jobStrategy, { template: TEMPLATE });
  assert.deepEqual(job.spec.selector, { matchLabels: { "batch.kubernetes.io/controller-uid": "u-1" } });
  assert.equal(job.spec.template.metadata?.labels?.["job-name"], "x");
  assert.deepEqual([job.spec.completions, job.spec.parallelism, job.spec.backoffLimit], [1, 1, 6]);
  assert.deepEqual(jobStrategy.validateCreate!(job), []);
});

test("jobStrategy.validateCreate() refuses a policy that never ends", () => {
  const job = made<Job>(jobStrategy, { template: { spec: { ...TEMPLATE.spec, restartPolicy: "Always" } } });
  assert.deepEqual(told(jobStrategy.validateCreate!(job)), ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']);
});

test("jobStrategy.validateUpdate() keeps the template", () => {
  const old = made<Job>(jobStrategy, { template: TEMPLATE });
  const job = structuredClone(old) as Mutable<Job>;
  job.spec.template.spec.containers[0]!.image = "b:1";
  const [error] = jobStrategy.validateUpdate!(job, old);
  assert.equal(error?.field, "spec.template");
  assert.match(error!.text, /^Invalid value: \{"labels":\{"batch\.kubernetes\.io\/controller-uid":.*"Spec":\{"Volumes":null,.*: field is immutable$/);
});

test("cronJobStrategy.validateCreate() checks schedule and zone", () => {
  const cron = made<CronJob>(cronJobStrategy, { schedule: "* * *", timeZone: "Nowhere/X", jobTemplate: { spec: { template: TEMPLATE } } });
  assert.deepEqual(told(cronJobStrategy.validateCreate!(cron)), [
    'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]',
    'spec.timeZone: Invalid value: "Nowhere/X": unknown time zone Nowhere/X',
  ]);
});

for (const [schedule, want] of [
  ["*/5 * * * *", undefined],
  ["0 0 1,15 jan-mar mon-fri", undefined],
  ["@hourly", undefined],
  ["@every 1h30m", undefined],
  ["@often", "unrecognized descriptor: @often"],
  ["60 * * * *", "end of range (60) above maximum (59): 60"],
  ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
  ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
  ["*/0 * * * *", "step of range should be a positive number: */0"],
  ["x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
] as const) {
  test(`scheduleProblem() of ${schedule}`, () => assert.equal(scheduleProblem(schedule), want));
}

for (const [name, isKnown] of [
  ["Europe/Oslo", true],
  ["Etc/UTC", true],
  ["UTC", true],
  ["europe/oslo", false],
  ["Local", false],
  ["../x", false],
] as const) {
  test(`timeZoneProblem() of ${name}`, () => assert.equal(timeZoneProblem(name) === undefined, isKnown));
}

for (const [text, want] of [
  ["", { total: 0 }],
  ["1,3-5", { total: 4 }],
  ["3,1", { problem: "non-increasing order, previous: 3, current: 1" }],
  ["9", { problem: 'too large index: "9"' }],
  ["a", { problem: 'cannot convert string to integer for index: "a"' }],
] as const) {
  test(`parseIndexes() of ${JSON.stringify(text)}`, () => assert.deepEqual(parseIndexes(text, 7), want));
}

test("jobStrategy's status takes no completion without its time", () => {
  const old = made<Job>(jobStrategy, { template: TEMPLATE });
  const condition = (type: string) => ({ type, status: "True" });
  const conditions = [condition("SuccessCriteriaMet"), condition("Complete")];
  const next = { ...old, status: { startTime: "2026-01-01T00:00:00Z", conditions } };
  const validate = jobStrategy.subresources!["status"]!.validateUpdate!;
  assert.deepEqual(told(validate(next, old)), ["status.completionTime: Required value: completionTime is required for Complete jobs"]);
  assert.deepEqual(told(validate({ ...next, status: { ...next.status, completionTime: "2026-01-01T00:01:00Z" } }, old)), []);
});
