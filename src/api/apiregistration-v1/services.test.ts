import assert from "node:assert/strict";
import { test } from "node:test";

import type { APIService } from "#api/apiregistration-v1/types.ts";
import type { Mutable, StrategyContext } from "#api/strategy.ts";
import { told } from "#test/strategies/told.ts";

import { apiServiceStrategy } from "./strategy.ts";

const service = { namespace: "a", name: "b" };
const valid = { group: "g.example.com", version: "v1", groupPriorityMinimum: 100, versionPriority: 10, service };
const metadata = { name: "v1.g.example.com" };

for (const { given, want } of [
  { given: {}, want: [] },
  {
    given: { version: "v2" },
    want: ['metadata.name: Invalid value: "v1.g.example.com": must be `spec.version+"."+spec.group`: "v2.g.example.com"'],
  },
  {
    given: { groupPriorityMinimum: 20_001, versionPriority: 0 },
    want: [
      "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
      "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
    ],
  },
  {
    given: { service: { port: 0 } },
    want: [
      "spec.service.namespace: Required value",
      "spec.service.name: Required value",
      "spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
    ],
  },
  {
    given: { caBundle: "AAAA", insecureSkipTLSVerify: true },
    want: ["spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"],
  },
  {
    given: { service: undefined, caBundle: "AAAA", insecureSkipTLSVerify: true },
    want: [
      'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
      "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
    ],
  },
]) {
  test(`validateCreate() says ${want[0] ?? "nothing of a sound service"}`, () =>
    assert.deepEqual(told(apiServiceStrategy, { metadata, spec: { ...valid, ...given } }), want));
}

test("a group of this server's own is available at once", () => {
  const local = { metadata, spec: { ...valid, service: undefined }, status: {} } as unknown as Mutable<APIService>;
  apiServiceStrategy.prepareForCreate?.(local, { now: "2026-01-02T03:04:05Z" } as StrategyContext);
  assert.deepEqual(
    local.status.conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [["Available", "True", "Local"]],
  );
});
