import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { decodeObject } from "#apimachinery/decode/decode.ts";
import { FieldSet, applyConfiguration, recordUpdate } from "#apimachinery/managed-fields/index.ts";
import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";

import { kindSchema } from "./table.ts";

const CONFIG_MAP = kindSchema("", "v1", "ConfigMap")!;
const DEPLOYMENT = kindSchema("apps", "v1", "Deployment")!;
const TIME = "2026-01-01T00:00:00Z";

type Json = Record<string, unknown>;
interface Stored extends Json {
  readonly metadata: { readonly managedFields?: readonly ManagedFieldsEntry[] | undefined; readonly uid?: string };
  readonly data?: Readonly<Record<string, string>>;
}

const configMap = (data: Json, metadata: Json = {}): Stored =>
  decodeObject<Stored>(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", ...metadata }, data }).object;

function written(live: Stored | undefined, updated: Stored, manager: string, time = TIME): Stored {
  const managedFields = recordUpdate({ schema: CONFIG_MAP, live, updated, manager, apiVersion: "v1", time });
  return { ...updated, metadata: { ...updated.metadata, uid: "u", managedFields } };
}

interface Options {
  readonly manager?: string;
  readonly force?: boolean;
}

function applied(live: Stored | undefined, data: Json, { manager = "m1", force = false }: Options = {}): Stored {
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data };
  const { object, managedFields } = applyConfiguration({ schema: CONFIG_MAP, kind: "ConfigMap", live, config, manager, force, apiVersion: "v1", time: TIME });
  const result = object === undefined ? live! : decodeObject<Stored>(CONFIG_MAP, object).object;
  return { ...result, metadata: { ...result.metadata, uid: "u", managedFields } };
}

const owners = ({ metadata }: Stored) => Object.fromEntries((metadata.managedFields ?? []).map(({ manager, fieldsV1 }) => [manager, fieldsV1]));

test("recordUpdate() gives a creator all but what the server writes", () => {
  const created = written(undefined, configMap({ k: "v" }, { labels: { a: "b" } }), "tool");
  assert.deepEqual(created.metadata.managedFields, [
    {
      manager: "tool",
      operation: "Update",
      apiVersion: "v1",
      time: TIME,
      fieldsType: "FieldsV1",
      fieldsV1: { "f:data": { ".": {}, "f:k": {} }, "f:metadata": { "f:labels": { ".": {}, "f:a": {} } } },
    },
  ]);
});

test("recordUpdate() moves what changed, and leaves the entries of others as they are", () => {
  const created = written(undefined, configMap({ a: "1", b: "2" }), "first");
  const changed = written(created, configMap({ a: "1", b: "3" }), "second");
  assert.deepEqual(owners(changed), { first: { "f:data": { ".": {}, "f:a": {} } }, second: { "f:data": { "f:b": {} } } });
  assert.equal(written(changed, configMap({ a: "1", b: "3" }), "third").metadata.managedFields, changed.metadata.managedFields);
});

test("recordUpdate() owns nothing that the endpoint resets", () => {
  const deployment = decodeObject<Stored>(DEPLOYMENT, { spec: { replicas: 1 }, status: { replicas: 1 } }).object;
  const entries = recordUpdate({
    schema: DEPLOYMENT,
    live: undefined,
    updated: deployment,
    manager: "m",
    apiVersion: "apps/v1",
    time: TIME,
    resetFields: FieldSet.of(["f:status"]),
  });
  assert.deepEqual(entries?.[0]?.fieldsV1, { "f:spec": { "f:replicas": {} } });
});

test("recordUpdate() ends tracking when a client sends an empty list", () => {
  const created = written(undefined, configMap({ a: "1" }), "first");
  assert.equal(written(created, configMap({ a: "2" }, { managedFields: [] }), "second").metadata.managedFields, undefined);
});

test("recordUpdate() folds updaters beyond ten into ancient-changes", () => {
  let live = written(undefined, configMap({ k0: "v" }), "m0");
  for (let i = 1; i <= 12; i++) live = written(live, configMap({ ...live.data, [`k${i}`]: "v" }), `m${i}`, `2026-01-01T00:00:${10 + i}Z`);
  assert.equal(live.metadata.managedFields?.length, 10);
  assert.deepEqual(owners(live)["ancient-changes"], { "f:data": { ".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}, "f:k3": {} } });
});

test("applyConfiguration() removes what the manager owned alone and no longer names", () => {
  const first = applied(undefined, { a: "1", b: "2" });
  const shared = applied(first, { b: "2" }, { manager: "m2" });
  assert.deepEqual(applied(shared, {}).data, { b: "2" });
  assert.equal(applied(first, {}).data, undefined);
});

test("applyConfiguration() refuses to change what others own, unless forced", () => {
  const first = applied(undefined, { a: "1", b: "2" });
  assert.throws(() => applied(first, { a: "x", b: "y" }, { manager: "m2" }), {
    code: 409,
    message: 'Apply failed with 2 conflicts: conflicts with "m1":\n- .data.a\n- .data.b',
  });
  const forced = applied(first, { a: "x" }, { manager: "m2", force: true });
  assert.deepEqual(owners(forced), { m1: { "f:data": { "f:b": {} } }, m2: { "f:data": { "f:a": {} } } });
});

test("applyConfiguration() gives untracked fields to before-first-apply", () => {
  const untracked = { ...configMap({ a: "1" }), metadata: { uid: "u" } } as Stored;
  assert.throws(() => applied(untracked, { a: "2" }), { message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a' });
});

test("applyConfiguration() lets kubectl take over what it applied on the client's side", () => {
  const record = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { a: "1" } });
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": record };
  const live = written(undefined, configMap({ a: "1", b: "1" }, { annotations }), "kubectl-client-side-apply");
  assert.equal(applied(live, { a: "2" }, { manager: "kubectl" }).data?.["a"], "2");
  assert.throws(() => applied(live, { a: "2", b: "2" }, { manager: "kubectl" }), { message: /: \.data\.b$/ });
});

test("applyConfiguration() keeps kubectl's record up to date when nothing else changes", () => {
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
  const live = written(undefined, configMap({ a: "1" }, { annotations }), "kubectl-client-side-apply");
  const both = applied(live, { a: "1", n: "2" }, { manager: "kubectl" });
  const one = applied(both, { n: "2" }, { manager: "kubectl" }) as Stored & { metadata: { annotations: Record<string, string> } };
  assert.deepEqual({ ...one.data }, { a: "1", n: "2" });
  assert.match(Object.values(one.metadata.annotations)[0]!, /"data":\{"n":"2"\}/);
});

for (const [config, message] of [
  [{ bogus: 1 }, "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .bogus: field not declared in schema"],
  [{ data: { k: 5 } }, "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.k: expected string, got &value.valueUnstructured{Value:5}"],
  [{ data: ["a"] }, "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data: expected map, got &{[a]}"],
  [{ kind: "Secret" }, "invalid object type: /v1, Kind=Secret"],
  [{ metadata: { managedFields: [] } }, "metadata.managedFields must be nil"],
] as const) {
  test(`applyConfiguration() says ${message}`, () => {
    const full = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, ...config };
    const apply = { schema: CONFIG_MAP, kind: "ConfigMap", live: undefined, config: full, manager: "m", force: false, apiVersion: "v1", time: TIME };
    assert.throws(() => applyConfiguration(apply), { message });
  });
}

const data = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("1", "2"));
const step = fc.record({ manager: fc.constantFrom("x", "y", "z"), data });

/** Ownership by hand: a map of keys to values, and the keys of each manager. */
test("applyConfiguration() agrees with a naive ownership of keys", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
      let live: Stored | undefined;
      let values: Record<string, string> = {};
      const owned = new Map<string, Set<string>>();
      for (const { manager, data: wanted } of steps) {
        const before = owned.get(manager) ?? new Set();
        const others = (key: string) => [...owned].filter(([name]) => name !== manager).some(([, keys]) => keys.has(key));
        const kept = Object.entries(values).filter(([key]) => !before.has(key) || key in wanted || others(key));
        for (const [key, value] of Object.entries(wanted)) {
          if (values[key] !== value) for (const [name, keys] of owned) if (name !== manager) keys.delete(key);
        }
        values = { ...Object.fromEntries(kept), ...wanted };
        owned.set(manager, new Set(Object.keys(wanted)));
        live = applied(live, wanted, { manager, force: true });
      }
      assert.deepEqual({ ...live!.data }, { ...values });
    }),
  );
});
