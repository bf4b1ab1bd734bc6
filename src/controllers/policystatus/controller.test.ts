import assert from "node:assert/strict";
import { test } from "node:test";

import type { ValidatingAdmissionPolicy } from "#api/admissionregistration-v1/types.ts";
import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import { CONFIG_MAPS, DEPLOYMENTS, PODS } from "#api/builtin.ts";
import { builtin, type Resource } from "#api/resources.ts";
import { kindsToCheck, nameOf } from "#controllers/policystatus/kinds.ts";
import { startPolicyStatus } from "#controllers/policystatus/controller.ts";
import { testCluster } from "#controllers/testing/cluster.ts";

const POLICIES = builtin<ValidatingAdmissionPolicy>("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies");
const DEFINITIONS = builtin<CustomResourceDefinition>("apiextensions.k8s.io", "v1", "customresourcedefinitions");
const WIDGETS = { group: "example.com", version: "v1", plural: "widgets", kind: "Widget", namespaced: true } as Resource;
const SERVED = [CONFIG_MAPS, PODS, DEPLOYMENTS, WIDGETS, builtin("apiextensions.k8s.io", "v1", "customresourcedefinitions")];

const rule = (apiGroups: readonly string[], apiVersions: readonly string[], ...resources: readonly string[]) => ({
  apiGroups,
  apiVersions,
  resources,
  operations: ["*"],
});
const DEPLOYED = [rule(["apps"], ["v1"], "deployments")];

async function statusFor(spec: object, resourceRules: readonly object[] = DEPLOYED) {
  const cluster = testCluster((deps) => startPolicyStatus(deps, () => SERVED));
  const schema = { type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer" } } } } };
  const definition = {
    group: "example.com",
    names: { plural: "widgets", kind: "Widget" },
    scope: "Namespaced",
    versions: [{ name: "v1", schema: { openAPIV3Schema: schema } }],
  };
  await cluster.client.create(DEFINITIONS, { metadata: { name: "widgets.example.com" }, spec: definition as never });
  await cluster.client.create(POLICIES, { metadata: { name: "p" }, spec: { matchConstraints: { resourceRules }, ...spec } as never });
  await loaded(cluster);
  const { status } = cluster.transport.objects(POLICIES)[0]!;
  const { revision } = cluster.transport;
  await cluster.pass(5);
  assert.equal(cluster.transport.revision, revision, "a policy is checked once");
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
  return status;
}

/** The language is loaded from disk, which takes as long as it takes. */
async function loaded(cluster: ReturnType<typeof testCluster>): Promise<void> {
  while (cluster.transport.objects(POLICIES)[0]?.status?.observedGeneration === undefined) await cluster.settle();
}

const validations = (...expressions: readonly string[]) => ({ validations: expressions.map((expression) => ({ expression })) });

for (const { name, spec, rules, want } of [
  { name: "nothing of what goes with the kind", spec: validations("object.spec.replicas > 1 && object.metadata.labels.size() > 0"), want: [] },
  {
    name: "fields that the kind has not",
    spec: validations("true", "object.spec.replcas > 1"),
    want: [
      [
        "spec.validations[1].expression",
        "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replcas'\n | object.spec.replcas > 1\n | ...........^\n",
      ],
    ],
  },
  {
    name: "types that do not go together, in messages too",
    spec: { validations: [{ expression: "true", messageExpression: "object.spec.replicas + 'x'" }] },
    want: [
      [
        "spec.validations[0].messageExpression",
        "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_+_' applied to '(int, string)'\n | object.spec.replicas + 'x'\n | .....................^\n",
      ],
    ],
  },
  {
    name: "each kind by itself",
    spec: validations("has(object.data)"),
    rules: [rule([""], ["v1"], "pods", "configmaps")],
    want: [["spec.validations[0].expression", "/v1, Kind=Pod: ERROR: <input>:1:4: undefined field 'data'\n | has(object.data)\n | ...^\n"]],
  },
  {
    name: "what custom resources have not",
    spec: validations("object.spec.size > 1", "object.spec.colour == ''"),
    rules: [rule(["example.com"], ["v1"], "widgets")],
    want: [
      [
        "spec.validations[1].expression",
        "example.com/v1, Kind=Widget: ERROR: <input>:1:12: undefined field 'colour'\n | object.spec.colour == ''\n | ...........^\n",
      ],
    ],
  },
  {
    name: "variables by the types that they have",
    spec: { variables: [{ name: "n", expression: "object.spec.replicas" }], ...validations("variables.n > 1", "variables.n == 'a'") },
    want: [
      [
        "spec.validations[1].expression",
        "apps/v1, Kind=Deployment: ERROR: <input>:1:13: found no matching overload for '_==_' applied to '(int, string)'\n | variables.n == 'a'\n | ............^\n",
      ],
    ],
  },
  {
    name: "parameters",
    spec: { paramKind: { apiVersion: "v1", kind: "ConfigMap" }, ...validations("params.data.max == '1'", "params.spec == 1") },
    want: [["spec.validations[1].expression", "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'spec'\n | params.spec == 1\n | ......^\n"]],
  },
  {
    name: "nothing of kinds that are not named",
    spec: validations("object.none"),
    rules: [rule(["*"], ["v1"], "deployments"), rule(["apps"], ["v1"], "*")],
    want: [],
  },
  {
    name: "kinds that are part of themselves",
    spec: validations("object.spec.versions[0].schema.openAPIV3Schema.type == 'object'"),
    rules: [rule(["apiextensions.k8s.io"], ["v1"], "customresourcedefinitions")],
    want: [],
  },
]) {
  test(`a policy's status tells of ${name}`, async () => {
    const status = await statusFor(spec, rules);
    assert.equal(status?.observedGeneration, 1);
    assert.deepEqual(
      (status?.typeChecking?.expressionWarnings ?? []).map(({ fieldRef, warning }) => [fieldRef, warning]),
      want,
    );
  });
}

test("kindsToCheck() stops at ten kinds, and takes them in order", () => {
  const served = Array.from({ length: 12 }, (_, i) => ({ ...WIDGETS, plural: `w${i}`, kind: `W${String.fromCharCode(97 + i)}` }));
  const policy = {
    spec: { matchConstraints: { resourceRules: [rule(["example.com"], ["v1"], ...served.map(({ plural }) => plural).reverse(), "w0/status")] } },
  };
  const names = kindsToCheck(policy as unknown as ValidatingAdmissionPolicy, served).map(nameOf);
  assert.equal(names.length, 10);
  assert.deepEqual(names, names.toSorted());
});
