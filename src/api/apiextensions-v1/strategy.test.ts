import assert from "node:assert/strict";
import { test } from "node:test";

import { namingStatus } from "#api/apiextensions-v1/conditions.ts";
import { customResourceDefinitionStrategy as strategy } from "#api/apiextensions-v1/strategy.ts";
import type { CustomResourceDefinition as Definition } from "#api/apiextensions-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

/** A definition whose spec's only field is of that schema. */
function withField(a: object): Definition {
  return defined({ openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { a } } } } });
}

function defined(schema: object, more: object = {}): Definition {
  const definition = {
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: [{ name: "v1", served: true, storage: true, schema }],
      ...more,
    },
    status: {},
  } as unknown as Definition;
  strategy.applyDefaults?.(definition as Mutable<Definition>);
  strategy.prepareForCreate?.(definition as Mutable<Definition>, undefined as never);
  return definition;
}

const told = (definition: Definition) =>
  strategy.validateCreate!(definition).map(({ field, text }) => `${field.replace(/^spec\.validation\.openAPIV3Schema\./, "")}: ${text}`);
const A = "properties[spec].properties[a]";

for (const { name, a, want } of [
  { name: "a plain field", a: { type: "string" }, want: [] },
  { name: "a field without type", a: {}, want: [`${A}.type: Required value: must not be empty for specified object fields`] },
  {
    name: "a type in an alternative",
    a: { type: "string", anyOf: [{ type: "string" }] },
    want: [`${A}.anyOf[0].type: Forbidden: must be empty to be structural`],
  },
  {
    name: "an integer or string",
    a: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
    want: [],
  },
  { name: "a list without items", a: { type: "array" }, want: [`${A}.items: Required value: must be specified`] },
  {
    name: "a default that its schema refuses",
    a: { type: "integer", minimum: 5, default: 1 },
    want: [`${A}.default: Invalid value: 1:  in body should be greater than or equal to 5`],
  },
  {
    name: "a default with more than is known",
    a: { type: "object", properties: { x: { type: "string" } }, default: { y: "1" } },
    want: [`${A}.default: Invalid value: {"y":"1"}: must not have unknown fields`],
  },
  {
    name: "keys that may be missing",
    a: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      items: { type: "object", properties: { k: { type: "string" } } },
    },
    want: [
      `${A}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ],
  },
  {
    name: "look-around",
    a: { type: "string", pattern: "(?=a)" },
    want: [
      `${A}.pattern: Invalid value: "(?=a)": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
    ],
  },
]) {
  test(`a definition of ${name} ${want.length === 0 ? "is taken" : "is refused"}`, () => assert.deepEqual(told(withField(a)), want));
}

test("a stored version stays known when another is stored", () => {
  const old = withField({ type: "string" });
  const [v1] = old.spec.versions;
  const next = structuredClone({
    ...old,
    spec: {
      ...old.spec,
      versions: [
        { ...v1!, storage: false },
        { ...v1!, name: "v2" },
      ],
    },
  });
  strategy.prepareForUpdate?.(next as never, old, undefined as never);
  assert.deepEqual(next.status.storedVersions, ["v1", "v2"]);
});

test("names that a neighbour has are not accepted, and the others are", () => {
  const now = "2026-01-01T00:00:00Z";
  const first = withField({ type: "string" });
  const taken = { ...first, status: namingStatus(first, [], now) };
  const second = defined({ openAPIV3Schema: { type: "object" } }, { names: { plural: "others", kind: "Other", shortNames: ["things"] } });
  const { acceptedNames, conditions } = namingStatus(second, [taken], now);
  assert.deepEqual(acceptedNames, { plural: "others", singular: "other", kind: "Other", listKind: "OtherList" });
  assert.deepEqual(
    conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ["NamesAccepted", "False", "ShortNamesConflict", '"things" is already in use'],
      ["Established", "False", "NotAccepted", "not all names are accepted"],
    ],
  );
});

test("a webhook that says nothing is none", () => {
  assert.deepEqual(defined({}, { conversion: { strategy: "None", webhook: {} } }).spec.conversion, { strategy: "None" });
  const conversion = { strategy: "None", webhook: { conversionReviewVersions: ["v1"] } };
  assert.deepEqual(defined({}, { conversion }).spec.conversion, conversion);
});

test("selectable fields need the schema of their version", () => {
  const definition = defined({});
  const versions = definition.spec.versions.map(({ schema: _, ...version }) => ({ ...version, selectableFields: [{ jsonPath: ".spec.a" }] }));
  const more = { ...versions[0]!, name: "v2", storage: false, selectableFields: [{ jsonPath: ".spec.b" }] };
  const found = told({ ...definition, spec: { ...definition.spec, versions: [...versions, more] } });
  const why = 'Invalid value: "": may only be set when `version.schema.openAPIV3Schema` is not included';
  assert.deepEqual(
    found.filter((text) => text.includes("selectableFields")),
    [0, 1].map((i) => `spec.versions[${i}].selectableFields: ${why}`),
  );
});
