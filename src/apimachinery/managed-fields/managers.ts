import type { JsonObject } from "#apimachinery/decode/own.ts";
import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";

import { FieldSet, parseFieldSet } from "./field-set.ts";
import { sharedFields } from "./shared-fields.ts";

/** Who owns which fields by which kind of request. */
export interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** Entries by identity: an applier is the same whatever version it applies, an updater is not. */
export type Managers = ReadonlyMap<string, Manager>;

export function identityOf({ manager, operation, apiVersion, subresource }: Omit<Manager, "fields" | "time">): string {
  return JSON.stringify({ manager, operation, ...(operation === "Update" && { apiVersion }), ...(subresource !== "" && { subresource }) });
}

/** @returns `undefined` when an entry is malformed: then nothing is known of owners */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | null | undefined): Managers | undefined {
  const managers = new Map<string, Manager>();
  for (const entry of entries ?? []) {
    const { operation, apiVersion = "", fieldsType, fieldsV1 } = entry;
    const fields = fieldsV1 === undefined || fieldsV1 === null ? FieldSet.EMPTY : parsedFields(fieldsV1);
    if ((operation !== "Apply" && operation !== "Update") || apiVersion === "" || fieldsType !== "FieldsV1" || fields === undefined) return undefined;
    const manager: Manager = {
      manager: entry.manager ?? "",
      operation,
      apiVersion,
      subresource: entry.subresource ?? "",
      time: entry.time ?? undefined,
      fields,
    };
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

/** Sets by the JSON they were read from: entries live as long as the objects in the cache that carry them. */
const parsedSets = new WeakMap<object, FieldSet>();

function parsedFields(fieldsV1: unknown): FieldSet | undefined {
  if (typeof fieldsV1 !== "object" || fieldsV1 === null) return undefined;
  let fields = parsedSets.get(fieldsV1);
  if (fields === undefined) {
    fields = parseFieldSet(fieldsV1);
    if (fields !== undefined) parsedSets.set(fieldsV1, fields);
  }
  return fields;
}

/** The entries in upstream's order and form. Those of `known` that are the same are given again, and `known` itself if all are. */
export function encodeManagers(managers: Managers, known: readonly ManagedFieldsEntry[] = []): readonly ManagedFieldsEntry[] {
  const originals = new Map(known.map((entry) => [entryIdentity(entry), entry]));
  const entries = [...managers.values()].sort(compareManagers).map((manager) => encodeManager(manager, originals.get(identityOf(manager))));
  return entries.length === known.length && entries.every((entry, i) => entry === known[i]) ? known : entries;
}

const entryIdentity = ({ manager = "", operation, apiVersion = "", subresource = "" }: ManagedFieldsEntry) =>
  identityOf({ manager, operation: operation as Manager["operation"], apiVersion, subresource });

function encodeManager({ manager, operation, apiVersion, subresource, time, fields }: Manager, original: ManagedFieldsEntry | undefined): ManagedFieldsEntry {
  const { fieldsV1: before } = original ?? {};
  const sameFields = typeof before === "object" && before !== null && parsedSets.get(before) === fields;
  if (original !== undefined && sameFields && original.time === time && original.apiVersion === apiVersion) return original;
  const json = fields.toJSON();
  const fieldsV1 = sharedFields(JSON.stringify(json), json);
  // Of equal sets one stays, as of their JSON.
  if (!parsedSets.has(fieldsV1)) parsedSets.set(fieldsV1, fields);
  return entryOf({ manager, operation, apiVersion, subresource, time }, fieldsV1);
}

export function entryOf({ manager, operation, apiVersion, subresource, time }: Omit<Manager, "fields">, fieldsV1: JsonObject): ManagedFieldsEntry {
  return {
    ...(manager !== "" && { manager }),
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: "FieldsV1",
    fieldsV1,
    ...(subresource !== "" && { subresource }),
  };
}

function compareManagers(a: Manager, b: Manager): number {
  return (
    order(a.operation, b.operation) ||
    order(a.time ?? "", b.time ?? "") ||
    order(a.manager, b.manager) ||
    order(a.apiVersion, b.apiVersion) ||
    order(a.subresource, b.subresource)
  );
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const MAX_UPDATERS = 10;
const FOLDED_INTO = "ancient-changes";

/** Folds the oldest updaters of a version into one entry when there are too many. */
export function foldOldUpdaters(managers: Managers): Managers {
  const updaters = [...managers].filter(([, { operation }]) => operation === "Update");
  if (updaters.length <= MAX_UPDATERS) return managers;
  updaters.sort(([aId, a], [bId, b]) => order(a.time ?? "", b.time ?? "") || order(aId, bId));
  const folded = new Map(managers);
  const firstOfVersion = new Map<string, string>();
  let count = updaters.length;
  for (const [id, updater] of updaters) {
    if (count <= MAX_UPDATERS) break;
    const { apiVersion } = updater;
    const first = firstOfVersion.get(apiVersion);
    if (first === undefined) {
      firstOfVersion.set(apiVersion, id);
      continue;
    }
    foldInto(folded, id, first, updater);
    count--;
  }
  return folded;
}

function foldInto(managers: Map<string, Manager>, id: string, firstId: string, updater: Manager): void {
  const bucket = { manager: FOLDED_INTO, operation: "Update", apiVersion: updater.apiVersion, subresource: "" } as const;
  const bucketId = identityOf(bucket);
  const first = managers.get(bucketId) ?? managers.get(firstId)!;
  if (!managers.has(bucketId)) managers.delete(firstId);
  managers.set(bucketId, { ...bucket, time: updater.time, fields: updater.fields.union(first.fields) });
  if (id !== bucketId) managers.delete(id);
}
