import type { JsonObject } from "#apimachinery/decode/own.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";

import { FieldSet } from "./field-set.ts";
import type { Manager, Managers } from "./managers.ts";
import { removeFields } from "./merge.ts";
import { fieldSetOf, withNamedFields } from "./typed.ts";
import type { OtherVersion, OtherVersions } from "./versions.ts";

interface Version {
  readonly apiVersion: string;
  readonly schema: StructSchema;
  readonly others?: OtherVersions | undefined;
}

/**
 * The merged object without what the manager owned before, and neither it nor anyone else does now. Each owner is asked in its own version.
 *
 * @see structured-merge-diff merge/update.go prune
 */
export function pruned(own: Version, merged: JsonObject, owners: Managers, last: Manager): JsonObject {
  const remove = (schema: StructSchema, value: JsonObject, set: FieldSet) => (removeFields(schema, value, set) ?? {}) as JsonObject;
  const all = (schema: StructSchema, value: JsonObject) => withNamedFields(schema, fieldSetOf(schema, value));
  const { schema: lastSchema, show: showLast, read } = versionOf(own, last.apiVersion);
  const lastNamed = withNamedFields(lastSchema, last.fields);
  const before = showLast(merged);
  let left = read(remove(lastSchema, before, lastNamed));
  for (const [apiVersion, fields] of fieldsByVersion(own, owners)) {
    const { schema, show, read: readOwned } = versionOf(own, apiVersion);
    const whole = show(merged);
    const owned = all(schema, show(left)).union(withNamedFields(schema, fields));
    left = readOwned(remove(schema, whole, all(schema, whole).difference(owned)));
  }
  // What nobody ever owned but went along with its parent stays.
  const gone = all(lastSchema, before).difference(all(lastSchema, showLast(left)));
  return read(remove(lastSchema, before, gone.intersection(lastNamed)));
}

const AS_IT_IS = (object: JsonObject) => object;

/** A version that nobody serves is taken for the request's. */
function versionOf({ apiVersion: request, schema, others }: Version, apiVersion: string): Pick<OtherVersion, "schema" | "show" | "read"> {
  const other = apiVersion === request ? undefined : others?.(apiVersion);
  return other ?? { schema, show: AS_IT_IS, read: AS_IT_IS };
}

/** The request's own version comes first. */
function fieldsByVersion({ apiVersion: request, others }: Version, owners: Managers): ReadonlyMap<string, FieldSet> {
  const fields = new Map<string, FieldSet>([[request, FieldSet.EMPTY]]);
  for (const owner of owners.values()) {
    const apiVersion = owner.apiVersion !== request && others?.(owner.apiVersion) !== undefined ? owner.apiVersion : request;
    fields.set(apiVersion, (fields.get(apiVersion) ?? FieldSet.EMPTY).union(owner.fields));
  }
  return fields;
}
