import assert from "node:assert/strict";
import { test } from "node:test";

import type { Probe } from "#api/core-v1/types.ts";
import { SimClock } from "#lib/sim-clock.ts";

import { Prober, type ProbeKind } from "./prober.ts";
import { headersOf, httpUrl, portNumber, type ProbeResult } from "./probe-once.ts";

interface Run {
  readonly kind?: ProbeKind;
  readonly spec?: Partial<Probe>;
  /** One result per attempt; the last one stays. */
  readonly results: readonly ProbeResult["result"][];
  readonly due?: () => boolean;
}

/** Lets a prober run for `seconds` and tells when it attempted and what it found. */
async function observe({ kind = "liveness", spec = {}, results, due = () => true }: Run, seconds: number) {
  const clock = new SimClock(0);
  const attempts: number[] = [];
  const verdicts: string[] = [];
  let failures = 0;
  const prober = new Prober({
    kind,
    spec: { periodSeconds: 10, failureThreshold: 3, successThreshold: 1, ...spec },
    startedMs: 0,
    clock,
    jitterMs: 0,
    due,
    attempt: () => {
      const result = results[Math.min(attempts.length, results.length - 1)] ?? "success";
      attempts.push(clock.now() / 1000);
      return Promise.resolve({ result, output: "" });
    },
    onFailure: () => failures++,
    onVerdict: (verdict) => verdicts.push(`${verdict}@${clock.now() / 1000}`),
  });
  for (let second = 0; second <= seconds; second++) {
    clock.advance(second === 0 ? 0 : 1000);
    for (let i = 0; i < 5; i++) await null;
  }
  prober.stop();
  return { attempts, verdicts, failures };
}

test("Prober begins after the initial delay and goes on every period", async () => {
  const { attempts, verdicts } = await observe({ spec: { initialDelaySeconds: 5 }, results: ["success"] }, 30);
  assert.deepEqual(attempts, [5, 15, 25]);
  assert.deepEqual(verdicts, ["success@5"]);
});

test("Prober fails a run after so many failures in a row, then holds still", async () => {
  const { attempts, verdicts, failures } = await observe({ results: ["failure", "success", "failure", "failure", "failure", "success"] }, 100);
  assert.deepEqual(verdicts, ["success@10", "failure@40"]);
  assert.equal(attempts.length, 5);
  assert.equal(failures, 4);
});

test("Prober of readiness goes on after a failure and needs so many successes", async () => {
  const spec = { failureThreshold: 1, successThreshold: 2 };
  const { verdicts } = await observe({ kind: "readiness", spec, results: ["failure", "success", "success"] }, 30);
  assert.deepEqual(verdicts, ["failure@0", "success@20"]);
});

test("Prober of startup ends with its first success", async () => {
  const { attempts } = await observe({ kind: "startup", results: ["failure", "success"] }, 60);
  assert.deepEqual(attempts, [0, 10]);
});

test("Prober does not count what could not be carried out, nor attempts before they are due", async () => {
  const unknown = await observe({ spec: { failureThreshold: 1 }, results: ["unknown"] }, 30);
  assert.deepEqual(unknown.verdicts, []);
  assert.equal(unknown.failures, 4);
  const early = await observe({ results: ["failure"], due: () => false }, 30);
  assert.deepEqual(early.attempts, []);
});

test("portNumber() takes a number, or a container port's name", () => {
  const container = { name: "c", resources: {}, ports: [{ name: "http", containerPort: 8080 }] };
  assert.equal(portNumber(80, container), 80);
  assert.equal(portNumber("http", container), 8080);
  assert.throws(() => portNumber("none", container), /couldn't find port/);
});

test("httpUrl() and headersOf() follow the action", () => {
  const action = { path: "/healthz?x=1", port: 80, scheme: "HTTPS", httpHeaders: [{ name: "X-A", value: "b" }] };
  assert.equal(httpUrl(action, { container: { name: "c", resources: {} }, podIp: "10.42.0.5" }).href, "https://10.42.0.5:80/healthz?x=1");
  assert.deepEqual(headersOf(action), { "user-agent": "kube-probe/1.35", accept: "*/*", "x-a": "b", connection: "close" });
});
