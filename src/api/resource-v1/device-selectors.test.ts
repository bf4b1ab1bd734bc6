import assert from "node:assert/strict";
import { test } from "node:test";

import type { DeviceClass, ResourceClaim, ResourceClaimTemplate } from "#api/resource-v1/types.ts";
import type { FieldError } from "#apimachinery/field-error.ts";

import { claimExpressionErrors, classExpressionErrors, templateExpressionErrors } from "./validate-expressions.ts";

const text = (errors: readonly FieldError[]) => errors.map(({ field, text: told }) => `${field}: ${told}`);
const selectors = (...expressions: readonly string[]) => expressions.map((expression) => ({ cel: { expression } }));
const told = (expression: string) => text(classExpressionErrors({ spec: { selectors: selectors(expression) } } as unknown as DeviceClass))[0];

for (const { expression, want } of [
  { expression: 'device.driver == "gpu.example.com"', want: undefined },
  { expression: 'device.attributes["gpu.example.com"].isBig', want: undefined },
  { expression: 'device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("1Gi"))', want: undefined },
  { expression: 'cel.bind(gpu, device.attributes["gpu.example.com"], gpu.big && gpu.fast)', want: undefined },
  { expression: 'device.attributes["a.example.com"].version.isGreaterThan(semver("1.0.0"))', want: undefined },
  { expression: "device.driver", want: "must evaluate to bool or the unknown type, not string" },
  { expression: "device.attributes", want: "must evaluate to bool or the unknown type, not map(string, map(string, any))" },
  { expression: "device.speed == 1", want: "undefined field 'speed'" },
  { expression: "object.a", want: "undeclared reference to 'object'" },
  { expression: "cel.bind(1, 2, true)", want: "cel.bind() variable names must be simple identifiers" },
  {
    expression: "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a + b + c + d != ''))))",
    want: "too complex, exceeds cost limit",
  },
]) {
  test(`a selector of devices: ${expression}: ${want ?? "is sound"}`, () => {
    if (want === undefined) assert.equal(told(expression), undefined);
    else assert.ok((told(expression) ?? "").includes(want), told(expression) ?? "nothing was wrong");
  });
}

test("claims and templates are told where their selectors are wrong", () => {
  const devices = {
    requests: [
      { name: "a", exactly: { deviceClassName: "x", selectors: selectors("true", "1") } },
      { name: "b", firstAvailable: [{ name: "c", deviceClassName: "x", selectors: selectors("2") }] },
    ],
  };
  const fields = (errors: readonly FieldError[]) => errors.map(({ field }) => field);
  const want = ["requests[0].exactly.selectors[1].cel.expression", "requests[1].firstAvailable[0].selectors[0].cel.expression"];
  assert.deepEqual(
    fields(claimExpressionErrors({ spec: { devices } } as unknown as ResourceClaim)),
    want.map((field) => `spec.devices.${field}`),
  );
  assert.deepEqual(
    fields(templateExpressionErrors({ spec: { spec: { devices } } } as unknown as ResourceClaimTemplate)),
    want.map((field) => `spec.spec.devices.${field}`),
  );
});

test("claims of nothing, as the server decodes them, have no wrong selectors", () => {
  for (const devices of [undefined, null, {}, { requests: null }, { requests: [{ name: "a", firstAvailable: null }] }]) {
    assert.deepEqual(claimExpressionErrors({ spec: { devices } } as unknown as ResourceClaim), []);
  }
});
