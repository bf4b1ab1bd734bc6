import { type JsonObject, isObject } from "#apimachinery/decode/own.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";

import { createdFields } from "./created-fields.ts";
import { FieldSet } from "./field-set.ts";
import { type Manager, type Managers, decodeManagers, encodeManagers, entryOf, foldOldUpdaters, identityOf } from "./managers.ts";
import { type Comparison, compareTyped, ElementError } from "./typed.ts";
import { filtered, type OtherVersions, VersionedChanges } from "./versions.ts";

/** An object as far as owners of its fields are concerned. */
export interface Managed {
  readonly metadata: { readonly managedFields?: readonly ManagedFieldsEntry[] | null | undefined; readonly uid?: string | undefined };
}

export interface RecordUpdate<T extends Managed> {
  readonly schema: StructSchema;
  /** What stands now; `undefined` when the object is created. */
  readonly live: T | undefined;
  readonly updated: T;
  /** The field manager asked for, or the first word of the user agent. */
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string | undefined;
  /** Seconds, as Kubernetes writes times. */
  readonly time: string;
  /** What the endpoint resets, so that writing it there owns nothing: `status` for an object, the rest for its status. */
  readonly resetFields?: FieldSet | undefined;
  /** How owners that wrote another version know the fields. */
  readonly others?: OtherVersions | undefined;
}

const SERVERS_OWN = FieldSet.of(
  ["f:apiVersion"],
  ["f:kind"],
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"].map((name) => [
    "f:metadata",
    `f:${name}`,
  ]),
);
/** Never anyone's. */
const STRIPPED = SERVERS_OWN.union(FieldSet.of(["f:metadata"]));

/**
 * Who owns what after a create, update or patch.
 *
 * @returns the new `metadata.managedFields`: the very list of `live` where nothing changed, `undefined` for none
 */
export function recordUpdate<T extends Managed>(update: RecordUpdate<T>): readonly ManagedFieldsEntry[] | undefined {
  const { schema, live, updated, subresource = "" } = update;
  if (live === undefined && (updated.metadata.managedFields ?? undefined) === undefined) return recordCreate(update);
  const kept = live?.metadata.managedFields ?? undefined;
  const asBefore = subresource !== "" || sameEntries(kept, updated.metadata.managedFields);
  const comparison = compared(schema, live, updated);
  if (comparison === undefined) return undefined;
  const same = comparison.added.empty && comparison.removed.empty && comparison.modified.empty;
  if (same && asBefore) return kept;
  const managers = managersBefore(live, updated, asBefore);
  if (managers.size === 0 && live?.metadata.uid) return undefined; // tracking was ended, and starts with an apply only
  const entries = encodeManagers(foldOldUpdaters(managersAfter(managers, comparison, update)), kept);
  return entries.length === 0 ? undefined : entries;
}

const nobodys = new WeakMap<FieldSet, FieldSet>();

function nobodysOf(resetFields: FieldSet): FieldSet {
  let all = nobodys.get(resetFields);
  if (all === undefined) {
    all = SERVERS_OWN.union(resetFields);
    nobodys.set(resetFields, all);
  }
  return all;
}

/** A create by who says nothing of owners: all that there is, is the creator's. */
function recordCreate(update: RecordUpdate<Managed>): readonly ManagedFieldsEntry[] | undefined {
  const { schema, updated, manager, apiVersion, subresource = "", time, resetFields = FieldSet.EMPTY } = update;
  let fields: JsonObject | undefined;
  try {
    fields = createdFields(schema, emptyObject(schema), updated as unknown as JsonObject, nobodysOf(resetFields));
  } catch (error) {
    if (error instanceof ElementError) return undefined;
    throw error;
  }
  if (fields === undefined) return undefined;
  return [entryOf({ manager: manager === "" ? "unknown" : manager, operation: "Update", apiVersion, subresource, time }, fields)];
}

/** @returns `undefined` when a list has elements without a key: upstream then gives up on owners */
function compared(schema: StructSchema, live: Managed | undefined, updated: Managed): Comparison | undefined {
  try {
    return compareTyped(schema, withoutManagedFields(live ?? emptyObject(schema)), withoutManagedFields(updated), true);
  } catch (error) {
    if (error instanceof ElementError) return undefined;
    throw error;
  }
}

const sameEntries = (kept: unknown, given: unknown) => given === undefined || given === null || given === kept || equalJson(kept, given);

/** What clients send of managed fields counts, unless it is nothing, malformed, or sent to a subresource. */
function managersBefore(live: Managed | undefined, updated: Managed, asBefore: boolean): Managers {
  const none: Managers = new Map();
  const ofLive = () => decodeManagers(live?.metadata.managedFields) ?? none;
  if (asBefore) return ofLive();
  const given = updated.metadata.managedFields;
  if (isReset(given)) return none;
  const managers = decodeManagers(given);
  return managers === undefined || managers.size === 0 ? ofLive() : managers;
}

/** `[]`, or one empty entry: the client wants fields no longer tracked. */
export function isReset(entries: readonly ManagedFieldsEntry[] | null | undefined): boolean {
  if (!entries) return false;
  return entries.length === 0 || (entries.length === 1 && Object.keys(entries[0]!).length === 0);
}

function managersAfter(before: Managers, comparison: Comparison, update: RecordUpdate<Managed>): Managers {
  const { manager, apiVersion, subresource = "", time, live, updated, schema, others } = update;
  const own = filtered(comparison, update.resetFields);
  const objects = () => [withoutManagedFields(live ?? emptyObject(schema)), withoutManagedFields(updated)] as const;
  const changes = new VersionedChanges(apiVersion, own, objects, others);
  const { changed } = changes.in(apiVersion);
  const after = new Map<string, Manager>();
  for (const [id, owner] of before) {
    const fields = owner.fields.difference(changes.in(owner.apiVersion).gone);
    if (!fields.empty) after.set(id, fields === owner.fields ? owner : { ...owner, fields });
  }
  const self = { manager: manager === "" ? "unknown" : manager, operation: "Update", apiVersion, subresource } as const;
  const fields = changed.difference(STRIPPED);
  if (fields.empty) return after;
  const id = identityOf(self);
  after.set(id, { ...self, time, fields: fields.union(after.get(id)?.fields ?? FieldSet.EMPTY) });
  return after;
}

/** What is nobody's of a set: the kind's name, and what the server writes into metadata. */
export const stripped = (fields: FieldSet): FieldSet => fields.difference(STRIPPED);

export function withoutManagedFields(object: unknown): JsonObject {
  if (!isObject(object)) return {};
  const { metadata } = object;
  if (!isObject(metadata) || metadata["managedFields"] === undefined) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}

const empties = new WeakMap<StructSchema, JsonObject>();

/** What an object of the kind is before anything is in it; a create is a change of that. */
export function emptyObject(schema: StructSchema): JsonObject {
  let empty = empties.get(schema);
  if (empty === undefined) {
    empty = decodeObject(schema, {}).object;
    empties.set(schema, empty);
  }
  return empty;
}
