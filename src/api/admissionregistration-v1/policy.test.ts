import assert from "node:assert/strict";
import { test } from "node:test";

import type { ValidatingAdmissionPolicy } from "#api/admissionregistration-v1/types.ts";
import { told } from "#test/strategies/told.ts";

import { validatingPolicyBindingStrategy, validatingPolicyStrategy } from "./strategy.ts";

const rule = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const match = { resourceRules: [rule] };
const policy = (fields: object) => ({ spec: { matchConstraints: match, validations: [{ expression: "true" }], ...fields } });
const binding = (fields: object) => ({ spec: { policyName: "p", validationActions: ["Deny"], ...fields } });
const paramRef = { name: "a", parameterNotFoundAction: "Deny" };

for (const { strategy, given, want } of [
  { strategy: validatingPolicyStrategy, given: policy({}), want: [] },
  {
    strategy: validatingPolicyStrategy,
    given: { spec: {} },
    want: [
      "spec.matchConstraints: Required value",
      "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
      "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
    ],
  },
  {
    strategy: validatingPolicyStrategy,
    given: policy({ failurePolicy: "Wait", matchConstraints: {} }),
    want: ['spec.failurePolicy: Unsupported value: "Wait": supported values: "Fail", "Ignore"', "spec.matchConstraints.resourceRules: Required value"],
  },
  {
    strategy: validatingPolicyStrategy,
    given: policy({ paramKind: { apiVersion: "a/b/c", kind: "" } }),
    want: ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c', "spec.paramKind.kind: Required value"],
  },
  { strategy: validatingPolicyStrategy, given: policy({ paramKind: { apiVersion: "a.example.com/v1", kind: "Thing" } }), want: [] },
  {
    strategy: validatingPolicyStrategy,
    given: policy({ matchConstraints: { resourceRules: [{ ...rule, resourceNames: ["a/b", "a", "a"] }] } }),
    want: [
      `spec.matchConstraints.resourceRules[0].resourceNames[0]: Invalid value: "a/b": may not contain '/'`,
      'spec.matchConstraints.resourceRules[0].resourceNames[2]: Duplicate value: "a"',
    ],
  },
  {
    strategy: validatingPolicyStrategy,
    given: policy({ variables: [{ name: "for", expression: " " }, {}] }),
    want: [
      'spec.variables[0].name: Invalid value: "for": must be a valid CEL identifier',
      "spec.variables[0].expression: Required value: expression is not specified",
      "spec.variables[1].name: Required value: name is not specified",
      "spec.variables[1].expression: Required value: expression is not specified",
    ],
  },
  {
    strategy: validatingPolicyStrategy,
    given: policy({ validations: [{ expression: "", message: "a\nb", messageExpression: " ", reason: "Bad" }] }),
    want: [
      "spec.validations[0].expression: Required value: expression is not specified",
      'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
      'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
      'spec.validations[0].reason: Unsupported value: "Bad": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
    ],
  },
  {
    strategy: validatingPolicyStrategy,
    given: policy({
      auditAnnotations: [
        { key: "a", valueExpression: "" },
        { key: "a", valueExpression: "'x'" },
      ],
    }),
    want: ["spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified", 'spec.auditAnnotations[1].key: Duplicate value: "a"'],
  },
  { strategy: validatingPolicyBindingStrategy, given: binding({ paramRef }), want: [] },
  {
    strategy: validatingPolicyBindingStrategy,
    given: { spec: {} },
    want: ["spec.policyName: Required value", "spec.validationActions: Required value: at least one validation action is required"],
  },
  {
    strategy: validatingPolicyBindingStrategy,
    given: binding({ paramRef: { ...paramRef, selector: {} } }),
    want: [
      "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
      "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
    ],
  },
  {
    strategy: validatingPolicyBindingStrategy,
    given: binding({ paramRef: {}, validationActions: ["Deny", "Deny", "Tell"] }),
    want: [
      "spec.paramRef: Required value: one of name or selector must be specified",
      "spec.paramRef.parameterNotFoundAction: Required value",
      'spec.validationActions[1]: Duplicate value: "Deny"',
      'spec.validationActions[2]: Unsupported value: "Tell": supported values: "Audit", "Deny", "Warn"',
    ],
  },
]) {
  test(`validateCreate() says ${want[0] ?? `nothing of ${JSON.stringify(given)}`}`, () => assert.deepEqual(told(strategy, given), want));
}

test("match conditions that stand are not looked at again", () => {
  const standing = { metadata: { name: "x" }, ...policy({ failurePolicy: "Fail", matchConditions: [{}], matchConstraints: undefined }) };
  const faults = (old: unknown) =>
    validatingPolicyStrategy.validateUpdate?.(standing as unknown as ValidatingAdmissionPolicy, old as ValidatingAdmissionPolicy);
  assert.equal(
    faults(standing)?.some(({ field }) => field.startsWith("spec.matchConditions")),
    false,
  );
  assert.equal(
    faults({ ...standing, spec: {} })?.some(({ field }) => field.startsWith("spec.matchConditions")),
    true,
  );
});

test("a status says what its warnings are about", () => {
  const status = { typeChecking: { expressionWarnings: [{ warning: "", fieldRef: " " }] } };
  const errors = validatingPolicyStrategy.subresources?.["status"]?.validateUpdate?.({ status } as never, {} as never);
  assert.deepEqual(
    errors?.map(({ field }) => field),
    ["status.typeChecking.expressionWarnings[0].warning", "status.typeChecking.expressionWarnings[0].fieldRef"],
  );
});
