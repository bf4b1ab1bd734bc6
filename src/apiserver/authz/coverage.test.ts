import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { PolicyRule } from "#apiserver/authz/authorizer.ts";
import { compacted, describeRule, uncovered } from "#apiserver/authz/coverage.ts";
import { ruleAllows } from "#apiserver/authz/rule.ts";
import { asked, userNamed } from "#apiserver/authz/testing/policy.ts";

for (const { name, held, wanted, missing } of [
  { name: "nothing of what is held", held: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }], wanted: [pods("get"), pods("*")], missing: [] },
  { name: "verbs", held: [pods("get")], wanted: [pods("get", "list", "delete")], missing: ['{APIGroups:[""], Resources:["pods"], Verbs:["list" "delete"]}'] },
  {
    name: "all names when one is held",
    held: [{ ...pods("get"), resourceNames: ["a"] }],
    wanted: [pods("get")],
    missing: ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
  },
  { name: "no name when all are held", held: [pods("get")], wanted: [{ ...pods("get"), resourceNames: ["a", "b"] }], missing: [] },
  { name: "no subresource of */sub", held: [{ ...pods("get"), resources: ["*/log"] }], wanted: [{ ...pods("get"), resources: ["pods/log"] }], missing: [] },
  {
    name: "paths",
    held: [{ verbs: ["get"], nonResourceURLs: ["/a/*"] }],
    wanted: [{ verbs: ["get"], nonResourceURLs: ["/a/b", "/c"] }],
    missing: ['{NonResourceURLs:["/c"], Verbs:["get"]}'],
  },
] as const) {
  test(`uncovered() finds ${name}`, () => assert.deepEqual(compacted(uncovered(held, wanted)).map(describeRule), missing));
}

function pods(...verbs: readonly string[]) {
  return { verbs, apiGroups: [""], resources: ["pods"] };
}

const some = (...values: readonly string[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
const rule: fc.Arbitrary<PolicyRule> = fc.record({
  verbs: some("get", "list", "*"),
  apiGroups: some("", "apps", "*"),
  resources: some("pods", "pods/log", "*/log", "*"),
  resourceNames: fc.oneof(fc.constant<string[]>([]), some("a", "b")),
});

test("uncovered(): who holds all of a role's rules may do all that the role allows", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), rule, (held, wanted) => {
      fc.pre(uncovered(held, [wanted]).length === 0);
      for (const verb of ["get", "list", "x"]) {
        for (const resource of ["pods", "pods/log", "jobs/log", "jobs", "pods.apps", "jobs/log.apps"]) {
          for (const name of ["", "a", "c"]) {
            const attributes = asked(userNamed("u"), verb, resource, { name });
            if (ruleAllows(wanted, attributes)) assert.ok(held.some((each) => ruleAllows(each, attributes)));
          }
        }
      }
    }),
    { numRuns: 2000 },
  );
});
