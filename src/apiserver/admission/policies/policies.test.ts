import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "#api/admissionregistration-v1/types.ts";
import { CONFIG_MAPS } from "#api/builtin.ts";
import { builtin, type Resource } from "#api/resources.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { compilePolicy, type Findings, validate } from "#apiserver/admission/policies/policy.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { fromJson } from "#lib/cel/json.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

const GROUP = "admissionregistration.k8s.io";
const POLICIES = builtin<ValidatingAdmissionPolicy>(GROUP, "v1", "validatingadmissionpolicies");
const BINDINGS = builtin<ValidatingAdmissionPolicyBinding>(GROUP, "v1", "validatingadmissionpolicybindings");

let api: TestServer;

before(async () => {
  api = await startTestServer();
  for (const [name, data, labels] of [
    ["short", { max: "3" }, { set: "both" }],
    ["long", { max: "9" }, { set: "both" }],
  ] as const) {
    await perform("create", CONFIG_MAPS, "default", { metadata: { name, labels }, data });
  }
});

after(() => api.close());

function perform(verb: "create" | "delete" | "patch", resource: Resource, namespace: string, body: object, name = ""): Promise<unknown> {
  return api.server.pipeline.perform({ verb, resource, namespace, name, body }, LOOPBACK_USER);
}

const RULE = { operations: ["CREATE", "UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] };
const PARAMS = { paramKind: { apiVersion: "v1", kind: "ConfigMap" } };
const LENGTH = { expression: "object.metadata.name.size() <= int(params.data.max)", messageExpression: "'longer than ' + params.data.max" };

interface Case {
  readonly name: string;
  readonly policy: object;
  readonly binding?: object;
  readonly rule?: object;
  readonly constraints?: object;
  /** The name of the object that is made. */
  readonly made?: string;
  /** Code and text after "denied request: "; `undefined` when it is let through. */
  readonly want: readonly [code: number, text: string] | undefined;
}

const no = { validations: [{ expression: "false", message: "no" }] };

const TABLE: readonly Case[] = [
  {
    name: "says the expression where there is no message",
    policy: { validations: [{ expression: "object.metadata.name != 'a'" }] },
    want: [422, "failed expression: object.metadata.name != 'a'"],
  },
  { name: "lets through what it holds for", policy: { validations: [{ expression: "object.metadata.name != 'b'" }] }, want: undefined },
  {
    name: "makes its message",
    policy: { validations: [{ expression: "false", message: "unused", messageExpression: "'not ' + object.metadata.name" }] },
    want: [422, "not a"],
  },
  {
    name: "has a message for a message that fails",
    policy: { validations: [{ expression: "false", message: "fallback", messageExpression: "'x' + object.data.none" }] },
    want: [422, "fallback"],
  },
  { name: "gives its reason", policy: { validations: [{ expression: "false", message: "big", reason: "RequestEntityTooLarge" }] }, want: [413, "big"] },
  {
    name: "refuses what it cannot evaluate",
    policy: { validations: [{ expression: "object.data.x == 'y'" }] },
    want: [422, "expression 'object.data.x == 'y'' resulted in error: no such key: data"],
  },
  { name: "lets that through by Ignore", policy: { failurePolicy: "Ignore", validations: [{ expression: "object.data.x == 'y'" }] }, want: undefined },
  {
    name: "has variables of variables",
    policy: {
      variables: [
        { name: "n", expression: "object.metadata.name" },
        { name: "m", expression: "variables.n + '!'" },
      ],
      validations: [{ expression: "variables.m != 'a!'", messageExpression: "variables.m" }],
    },
    want: [422, "a!"],
  },
  {
    name: "is not asked where a condition does not hold",
    policy: { ...no, matchConditions: [{ name: "b", expression: "object.metadata.name == 'b'" }] },
    want: undefined,
  },
  {
    name: "sees the request",
    policy: {
      validations: [
        {
          expression: "false",
          messageExpression: "request.operation + ' ' + request.resource.resource + ' ' + request.namespace + ' ' + namespaceObject.metadata.name",
        },
      ],
    },
    want: [422, "CREATE configmaps default default"],
  },
  {
    name: "takes parameters by name",
    policy: { ...PARAMS, validations: [LENGTH] },
    binding: { paramRef: { name: "short", parameterNotFoundAction: "Deny" } },
    made: "four",
    want: [422, "longer than 3"],
  },
  {
    name: "takes all parameters of a selector",
    policy: { ...PARAMS, validations: [LENGTH] },
    binding: { paramRef: { selector: { matchLabels: { set: "both" } }, parameterNotFoundAction: "Deny" } },
    made: "four",
    want: [422, "longer than 3"],
  },
  {
    name: "misses parameters",
    policy: { ...PARAMS, ...no },
    binding: { paramRef: { name: "gone", parameterNotFoundAction: "Deny" } },
    want: [422, "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"],
  },
  {
    name: "may do without parameters",
    policy: { ...PARAMS, ...no },
    binding: { paramRef: { name: "gone", parameterNotFoundAction: "Allow" } },
    want: undefined,
  },
  { name: "only warns", policy: no, binding: { validationActions: ["Warn", "Audit"] }, want: undefined },
  { name: "is narrowed by its binding", policy: no, binding: { matchResources: { objectSelector: { matchLabels: { a: "b" } } } }, want: undefined },
  { name: "is about some names", policy: no, rule: { ...RULE, resourceNames: ["b"] }, want: undefined },
  { name: "is not about others", policy: no, constraints: { excludeResourceRules: [{ ...RULE, resourceNames: ["a"] }] }, want: undefined },
];

for (const { name, policy, binding = {}, rule = RULE, constraints = {}, made = "a", want } of TABLE) {
  test(`a policy ${name}`, async () => {
    const spec = { matchConstraints: { resourceRules: [rule], ...constraints }, ...policy };
    await perform("create", POLICIES, "", { metadata: { name: "p" }, spec });
    await perform("create", BINDINGS, "", { metadata: { name: "b" }, spec: { policyName: "p", validationActions: ["Deny"], ...binding } });
    const error = await perform("create", CONFIG_MAPS, "default", { metadata: { name: made } }).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    await perform("delete", BINDINGS, "", {}, "b");
    await perform("delete", POLICIES, "", {}, "p");
    if (error === undefined) await perform("delete", CONFIG_MAPS, "default", {}, made);
    const told = isStatus(error) ? [error.code, error.message] : undefined;
    const denied = `configmaps "${made}" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: `;
    assert.deepEqual(told, want && [want[0], denied + want[1]]);
  });
}

test("a policy for a kind of parameters that nobody serves refuses what it is about", async () => {
  const spec = { matchConstraints: { resourceRules: [RULE] }, paramKind: { apiVersion: "x.io/v1", kind: "None" }, ...no };
  await perform("create", POLICIES, "", { metadata: { name: "p" }, spec });
  await perform("create", BINDINGS, "", { metadata: { name: "b" }, spec: { policyName: "p", validationActions: ["Deny"] } });
  const message = "failed to configure policy: failed to find resource referenced by paramKind: 'x.io/v1, Kind=None'";
  await assert.rejects(perform("create", CONFIG_MAPS, "default", { metadata: { name: "a" } }), {
    message: `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'p' denied request: ${message}`,
  });
  await perform("delete", BINDINGS, "", {}, "b");
  await perform("delete", POLICIES, "", {}, "p");
});

for (const { name, spec, want } of [
  {
    name: "an expression that is no boolean",
    spec: { validations: [{ expression: "1" }] },
    want: 'spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int',
  },
  {
    name: "a message that is no text",
    spec: { validations: [{ expression: "true", messageExpression: "object.x" }] },
    want: 'spec.validations[0].messageExpression: Invalid value: "object.x": must evaluate to string but got dyn',
  },
  {
    name: "an annotation that is a number",
    spec: { auditAnnotations: [{ key: "k", valueExpression: "1" }] },
    want: 'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int',
  },
  { name: "an unknown name", spec: { validations: [{ expression: "q" }] }, want: /undeclared reference to 'q'/ },
  { name: "parameters without their kind", spec: { validations: [{ expression: "params.x" }] }, want: /undeclared reference to 'params'/ },
  {
    name: "a variable before its time",
    spec: {
      variables: [
        { name: "a", expression: "variables.b" },
        { name: "b", expression: "1" },
      ],
      validations: [{ expression: "true" }],
    },
    want: /undefined field 'b'/,
  },
  {
    name: "a variable of the wrong type",
    spec: { variables: [{ name: "a", expression: "'t'" }], validations: [{ expression: "variables.a > 5" }] },
    want: /found no matching overload for '_>_'/,
  },
  {
    name: "the authorizer in a message",
    spec: { validations: [{ expression: "true", messageExpression: "authorizer.path('/x').check('get').reason()" }] },
    want: /undeclared reference to 'authorizer'/,
  },
  { name: "a condition that does not parse", spec: { ...no, matchConditions: [{ name: "c", expression: "a b" }] }, want: /Syntax error/ },
]) {
  test(`a policy with ${name} is refused`, async () => {
    const creating = perform("create", POLICIES, "", { metadata: { name: "p" }, spec: { matchConstraints: { resourceRules: [RULE] }, ...spec } });
    const prefix = 'ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: ';
    await assert.rejects(creating, typeof want === "string" ? { code: 422, message: prefix + want } : { code: 422, message: want });
  });
}

test("a policy may use Kubernetes' own functions, and ask what the user may do", async () => {
  const expression =
    "quantity('1Gi').isGreaterThan(quantity('1Mi')) && authorizer.requestResource.check('create').allowed() && !authorizer.serviceAccount('default', 'x').group('').resource('secrets').check('get').allowed()";
  const spec = { matchConstraints: { resourceRules: [RULE] }, validations: [{ expression }] };
  await perform("create", POLICIES, "", { metadata: { name: "p" }, spec });
  await perform("create", BINDINGS, "", { metadata: { name: "b" }, spec: { policyName: "p", validationActions: ["Deny"] } });
  await perform("create", CONFIG_MAPS, "default", { metadata: { name: "a" } });
  await perform("delete", CONFIG_MAPS, "default", {}, "a");
  await perform("delete", BINDINGS, "", {}, "b");
  await perform("delete", POLICIES, "", {}, "p");
});

const found = (spec: object): Findings =>
  validate(compilePolicy({ metadata: { name: "p" }, spec } as unknown as ValidatingAdmissionPolicy), {
    object: fromJson({ a: "b", list: Array(1000).fill(1) }),
  });

test("validate() makes annotations of what is text, and tells of those that fail", () => {
  const auditAnnotations = ["' x '", "''", "null", "object.none"].map((valueExpression, i) => ({
    key: `k${i}`,
    valueExpression: i === 3 ? `string(${valueExpression})` : valueExpression,
  }));
  const { annotations, faults } = found({ auditAnnotations });
  assert.deepEqual([annotations, faults], [[{ key: "k0", value: "x" }], ["expression 'string(object.none)' resulted in error: no such key: none"]]);
  assert.deepEqual(found({ auditAnnotations, failurePolicy: "Ignore" }).faults, []);
});

test("validate() ends what costs too much", () => {
  const expression = "object.list.all(a, object.list.all(b, object.list.all(c, a + b + c > 0)))";
  assert.deepEqual(
    found({ validations: [{ expression }] }).denials.map(({ message }) => message),
    [`expression '${expression}' resulted in error: operation cancelled: actual cost limit exceeded`],
  );
  const many = Array.from({ length: 12 }, () => ({ expression }));
  const message = "validation failed due to running out of cost budget, no further validation rules will be run";
  assert.deepEqual(found({ validations: many }).denials, [{ index: 0, message, reason: "Invalid" }]);
});
