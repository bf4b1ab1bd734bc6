import assert from "node:assert/strict";
import { test } from "node:test";

import type { Schema, StructSchema } from "#apimachinery/schema/schema.ts";
import { ALL_KINDS } from "#api/resources.ts";

import { kindSchema, typeSchema } from "./table.ts";

test("kindSchema() has every kind that is known", () => {
  const missing = ALL_KINDS.filter(({ group, version, kind }) => kindSchema(group, version, kind) === undefined);
  assert.deepEqual(
    missing.map(({ kind }) => kind),
    [],
  );
});

test("kindSchema() finds the kinds that all groups share", () => {
  assert.equal(kindSchema("apps", "v1", "DeleteOptions")?.name, "meta/v1.DeleteOptions");
  assert.equal(kindSchema("apps", "v1", "PodSpec"), undefined);
  assert.equal(kindSchema("apps", "v9", "Deployment"), undefined);
});

test("typeSchema() builds whatever is reachable from any kind", () => {
  const seen = new Set<Schema>();
  for (const { group, version, kind } of ALL_KINDS) visit(kindSchema(group, version, kind)!, seen);
  assert.ok(seen.size > 1_000);
});

function visit(schema: Schema, seen: Set<Schema>): void {
  if (seen.has(schema)) return;
  seen.add(schema);
  if (schema.kind === "struct") for (const field of schema.fields.values()) visit(field.schema, seen);
  else if (schema.kind === "list") visit(schema.items, seen);
  else if (schema.kind === "map") visit(schema.values, seen);
  else if (schema.kind === "any") for (const form of schema.forms ?? []) visit(form, seen);
}

test("typeSchema() flattens inlined structs and says through which", () => {
  const emptyDir = typeSchema("core/v1.Volume").fields.get("emptyDir")!;
  assert.deepEqual(emptyDir.embedded, [{ name: "VolumeSource", number: 2 }]);
  assert.equal(emptyDir.number, 2);
});

test("typeSchema() keeps list keys, merge keys, strategies and granularity", () => {
  const ports = typeSchema("core/v1.Container").fields.get("ports")!;
  assert.equal(ports.patchMergeKey, "containerPort");
  assert.deepEqual(ports.patchStrategy, ["merge"]);
  assert.deepEqual(ports.schema.kind === "list" && ports.schema.mapKeys, ["containerPort", "protocol"]);
  const claim = (name: string, field: string) => (typeSchema(name).fields.get(field)!.schema as StructSchema).atomic;
  assert.equal(claim("core/v1.PersistentVolumeSpec", "claimRef"), false);
  assert.equal(claim("core/v1.Event", "involvedObject"), true);
});
