import assert from "node:assert/strict";
import { test } from "node:test";

import type { Strategy } from "#api/strategy.ts";
import { told } from "#test/strategies/told.ts";

import { clusterRoleBindingStrategy, clusterRoleStrategy, roleBindingStrategy, roleStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: roleStrategy,
    given: { rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] },
    want: [],
  },
  {
    strategy: roleStrategy,
    given: { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] },
    want: ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
  },
  {
    strategy: clusterRoleStrategy,
    given: { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] },
    want: [],
  },
  {
    strategy: clusterRoleStrategy,
    given: { aggregationRule: {} },
    want: ["aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"],
  },
  {
    strategy: roleBindingStrategy,
    given: {
      roleRef: { kind: "Role", name: "r" },
      subjects: [
        { kind: "User", name: "u" },
        { kind: "ServiceAccount", name: "s" },
      ],
    },
    want: [],
  },
  {
    strategy: clusterRoleBindingStrategy,
    given: { roleRef: { kind: "ClusterRole", name: "r" }, subjects: [{ kind: "ServiceAccount", name: "s" }] },
    want: ["subjects[0].namespace: Required value"],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}

test("roleBindingStrategy.validateUpdate() keeps the role", () => {
  const binding = (name: string) => ({ metadata: { name: "x" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name } }) as never;
  const errors = (roleBindingStrategy as Strategy).validateUpdate?.(binding("b"), binding("a")) ?? [];
  assert.match(errors.at(-1)?.text ?? "", /cannot change roleRef$/);
});
