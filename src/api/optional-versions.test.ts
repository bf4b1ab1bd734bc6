import assert from "node:assert/strict";
import { test } from "node:test";

import { parseRuntimeConfig } from "./optional-versions.ts";
import { kindsWith } from "./served-kinds.ts";

const MUTATING = "admissionregistration.k8s.io/v1beta1";

for (const [text, want] of [
  ["", []],
  [MUTATING, [MUTATING]],
  [` ${MUTATING}=true,`, [MUTATING]],
  [`${MUTATING}=true,${MUTATING}=false`, []],
  [`${MUTATING}=yes`, undefined],
  [`${MUTATING}=true=true`, undefined],
  ["api/all=true", undefined],
] as const) {
  test(`parseRuntimeConfig() reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseRuntimeConfig(text), want));
}

test("kindsWith() adds what was turned on, and nothing else", () => {
  const named = (turnedOn: readonly string[]) => kindsWith(turnedOn).map(({ group, version, plural }) => `${group}/${version}/${plural}`);
  const before = new Set(named([]));
  assert.deepEqual(
    named([MUTATING]).filter((name) => !before.has(name)),
    [`${MUTATING}/mutatingadmissionpolicies`, `${MUTATING}/mutatingadmissionpolicybindings`],
  );
  assert.ok(before.has("admissionregistration.k8s.io/v1/validatingadmissionpolicies"));
});
