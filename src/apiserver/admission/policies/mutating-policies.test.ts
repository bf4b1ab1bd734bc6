import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from "#api/admissionregistration-v1beta1/types.ts";
import { CONFIG_MAPS, DEPLOYMENTS } from "#api/builtin.ts";
import type { ConfigMap } from "#api/core-v1/types.ts";
import type { Deployment } from "#api/apps-v1/types.ts";
import { builtin, type Resource } from "#api/resources.ts";
import { kindsWith } from "#api/served-kinds.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

const GROUP = "admissionregistration.k8s.io";
const POLICIES = builtin<MutatingAdmissionPolicy>(GROUP, "v1beta1", "mutatingadmissionpolicies");
const BINDINGS = builtin<MutatingAdmissionPolicyBinding>(GROUP, "v1beta1", "mutatingadmissionpolicybindings");

let api: TestServer;

before(async () => {
  api = await startTestServer({ kinds: kindsWith([`${GROUP}/v1beta1`]) });
  await perform("create", CONFIG_MAPS, "default", { metadata: { name: "settings" }, data: { colour: "blue" } });
});

after(() => api.close());

function perform<T>(verb: "create" | "delete" | "update", resource: Resource, namespace: string, body: object, name = ""): Promise<T> {
  return api.server.pipeline.perform({ verb, resource, namespace, name, body }, LOOPBACK_USER) as Promise<T>;
}

const RULES = [
  { operations: ["CREATE", "UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] },
  { operations: ["CREATE"], apiGroups: ["apps"], apiVersions: ["v1"], resources: ["deployments"] },
];
const apply = (expression: string) => ({ patchType: "ApplyConfiguration", applyConfiguration: { expression } });
const json = (expression: string) => ({ patchType: "JSONPatch", jsonPatch: { expression } });
const specOf = (spec: object) => ({ matchConstraints: { resourceRules: RULES }, reinvocationPolicy: "Never", ...spec });

/** Runs with policies in force, by name, each bound once. */
async function within<T>(policies: Readonly<Record<string, object>>, run: () => Promise<T>, binding: object = {}): Promise<T> {
  for (const [name, spec] of Object.entries(policies)) {
    await perform("create", POLICIES, "", { metadata: { name }, spec: specOf(spec) });
    await perform("create", BINDINGS, "", { metadata: { name: `${name}-b` }, spec: { policyName: name, ...binding } });
  }
  try {
    return await run();
  } finally {
    for (const name of Object.keys(policies)) {
      await perform("delete", BINDINGS, "", {}, `${name}-b`);
      await perform("delete", POLICIES, "", {}, name);
    }
  }
}

async function made(body: object): Promise<ConfigMap> {
  const object = await perform<ConfigMap>("create", CONFIG_MAPS, "default", { metadata: { name: "made" }, ...body });
  await perform("delete", CONFIG_MAPS, "default", {}, "made");
  return object;
}

interface Case {
  readonly name: string;
  readonly policy: object;
  readonly binding?: object;
  readonly body?: object;
  /** The data that come out of it, or the refusal after "policy 'p' with binding 'p-b' denied request: ". */
  readonly want: Readonly<Record<string, string>> | string;
}

const TABLE: readonly Case[] = [
  { name: "puts a configuration over the object", policy: { mutations: [apply("Object{data: {'a': '1'}}")] }, want: { own: "x", a: "1" } },
  {
    name: "applies a patch, whose keys may be escaped",
    policy: {
      mutations: [
        json(
          "[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('a'), value: jsonpatch.escapeKey('a/b~c')}, JSONPatch{op: 'remove', path: '/data/own'}]",
        ),
      ],
    },
    want: { a: "a~1b~0c" },
  },
  {
    name: "leaves the object alone when a test in the patch does not hold",
    policy: { mutations: [json("[JSONPatch{op: 'add', path: '/data/a', value: '1'}, JSONPatch{op: 'test', path: '/data/own', value: 'y'}]")] },
    want: { own: "x" },
  },
  {
    name: "makes its mutations in order, each on what the one before made, with variables",
    policy: {
      variables: [
        { name: "first", expression: "object.data.own + '!'" },
        { name: "both", expression: "variables.first + variables.first" },
      ],
      mutations: [apply("Object{data: {'own': variables.first}}"), apply("Object{data: {'two': variables.both}}")],
    },
    want: { own: "x!", two: "x!!x!!" },
  },
  {
    name: "looks at parameters",
    policy: { paramKind: { apiVersion: "v1", kind: "ConfigMap" }, mutations: [apply("Object{data: {'colour': params.data.colour}}")] },
    binding: { paramRef: { name: "settings", parameterNotFoundAction: "Deny" } },
    want: { own: "x", colour: "blue" },
  },
  {
    name: "refuses when parameters have to be there and are not",
    policy: { paramKind: { apiVersion: "v1", kind: "ConfigMap" }, mutations: [apply("Object{}")] },
    binding: { paramRef: { name: "nowhere", parameterNotFoundAction: "Deny" } },
    want: "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
  },
  {
    name: "does nothing where its conditions do not hold",
    policy: { matchConditions: [{ name: "c", expression: "object.metadata.name != 'made'" }], mutations: [apply("Object{data: {'a': '1'}}")] },
    want: { own: "x" },
  },
  {
    name: "refuses what cannot be evaluated",
    policy: { mutations: [apply("Object{data: {'a': object.data.none}}")] },
    want: "expression 'Object{data: {'a': object.data.none}}' resulted in error: no such key: none",
  },
  {
    name: "passes over what cannot be evaluated, if it is to",
    policy: { failurePolicy: "Ignore", mutations: [apply("Object{data: {'a': object.data.none}}")] },
    want: { own: "x" },
  },
  {
    name: "refuses fields that there are not",
    policy: { mutations: [apply("Object{spec: Object.spec{a: 1}}")] },
    want: "error applying patch: failed to convert patch object to typed object: .spec: field not declared in schema",
  },
  {
    name: "refuses parts that are named after another place",
    policy: { mutations: [apply("Object{metadata: Object.spec{name: 'a'}}")] },
    want: 'type mismatch: unexpected type name "Object.spec", expected "Object.metadata", which matches field name path from root Object type',
  },
  {
    name: "refuses a patch that does not apply",
    policy: { mutations: [json("[JSONPatch{op: 'replace', path: '/none/a', value: '1'}]")] },
    want: "JSON Patch: replace operation does not apply: doc is missing path: /none/a: missing value",
  },
  {
    name: "may leave out what is optional",
    policy: { mutations: [apply("Object{?data: optional.none(), metadata: Object.metadata{labels: {'a': 'b'}}}")] },
    want: { own: "x" },
  },
];

for (const { name, policy, binding, body = { data: { own: "x" } }, want } of TABLE) {
  test(`a mutating policy ${name}`, async () => {
    const making = within({ p: policy }, () => made(body), binding);
    if (typeof want !== "string") return assert.deepEqual((await making).data, want);
    await assert.rejects(making, (error) => {
      assert.ok(isStatus(error));
      const { code, message, reason } = error.status;
      assert.deepEqual([code, message], [403, `policy 'p' with binding 'p-b' denied request: ${want}`]);
      assert.ok(reason === "Invalid" || want.startsWith("failed to configure"));
      return true;
    });
  });
}

test("a configuration merges lists by their keys, gets defaults, and may not name what is one thing", async () => {
  const container = "Object.spec.template.spec.containers{name: 'side', image: 'side:1'}";
  const expression = `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [${container}]}}}}`;
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "main:1" }] } };
  const body = { metadata: { name: "web" }, spec: { selector: { matchLabels: { app: "web" } }, template } };
  const deployment = await within({ p: { mutations: [apply(expression)] } }, () => perform<Deployment>("create", DEPLOYMENTS, "default", body));
  assert.deepEqual(
    deployment.spec.template.spec?.containers.map(({ name, terminationMessagePath }) => [name, terminationMessagePath]),
    [
      ["main", "/dev/termination-log"],
      ["side", "/dev/termination-log"],
    ],
  );
  const whole = expression.replace("image: 'side:1'", "image: 'side:1', args: ['a']");
  await assert.rejects(
    within({ p: { mutations: [apply(whole)] } }, () => perform("create", DEPLOYMENTS, "default", { ...body, metadata: { name: "other" } })),
    { message: /may not mutate atomic arrays, maps or structs: \.spec\.template\.spec\.containers\[0\]\.args$/ },
  );
});

test("policies are asked in the order of their names, and those that wish so again after a change", async () => {
  const append = (text: string) => apply(`Object{data: {'seen': object.data.seen + '${text}'}}`);
  const seen = await within({ a: { reinvocationPolicy: "IfNeeded", mutations: [append("a")] }, b: { mutations: [append("b")] } }, () =>
    made({ data: { seen: "" } }),
  );
  assert.deepEqual(seen.data, { seen: "aba" });
});

const no = { mutations: [apply("Object{}")] };

for (const { name, spec, want } of [
  { name: "without mutations", spec: { mutations: [] }, want: "spec.mutations: Required value: mutations must contain at least one item" },
  { name: "that says nothing of reinvocation", spec: { ...no, reinvocationPolicy: undefined }, want: "spec.reinvocationPolicy: Required value" },
  {
    name: "of the wrong type",
    spec: { mutations: [apply("{'a': 1}")] },
    want: "spec.mutations[0].applyConfiguration.expression: Invalid value: \"{'a': 1}\": must evaluate to Object but got map(string, int)",
  },
  {
    name: "whose patch is a list of something else",
    spec: { mutations: [json("[1]")] },
    want: 'spec.mutations[0].jsonPatch.expression: Invalid value: "[1]": must evaluate to list(JSONPatch) but got list(int)',
  },
  {
    name: "with a patch of both kinds",
    spec: { mutations: [{ ...apply("Object{}"), jsonPatch: { expression: "[]" } }] },
    want: 'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
  },
  {
    name: "of deletions",
    spec: { ...no, matchConstraints: { resourceRules: [{ ...RULES[0], operations: ["DELETE"] }] } },
    want: 'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
  },
  { name: "with patches in a variable", spec: { ...no, variables: [{ name: "v", expression: "Object{}" }] }, want: /undeclared reference to 'Object'/ },
]) {
  test(`a mutating policy ${name} is refused`, async () => {
    const creating = perform("create", POLICIES, "", { metadata: { name: "p" }, spec: specOf(spec) });
    const prefix = 'MutatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: ';
    await assert.rejects(creating, { code: 422, message: typeof want === "string" ? prefix + want : want });
  });
}

test("a mutating policy has a generation, and its binding names a policy", async () => {
  const policy = await perform<MutatingAdmissionPolicy>("create", POLICIES, "", { metadata: { name: "p" }, spec: specOf(no) });
  assert.equal(policy.metadata.generation, 1);
  const { metadata, spec } = policy;
  const next = await perform<MutatingAdmissionPolicy>("update", POLICIES, "", { metadata, spec: { ...spec, failurePolicy: "Ignore" } }, "p");
  assert.equal(next.metadata.generation, 2);
  await perform("delete", POLICIES, "", {}, "p");
  await assert.rejects(perform("create", BINDINGS, "", { metadata: { name: "b" }, spec: {} }), { code: 422, message: /spec\.policyName: Required value$/ });
});
