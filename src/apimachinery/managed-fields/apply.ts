import { type JsonObject, getOwn, isObject } from "#apimachinery/decode/own.ts";
import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import { StatusError, statusError } from "#apimachinery/status-error.ts";

import { type Conflict, conflictError } from "./conflicts.ts";
import type { FieldSet } from "./field-set.ts";
import { type Manager, type Managers, decodeManagers, encodeManagers, foldOldUpdaters, identityOf } from "./managers.ts";
import { mergeTyped } from "./merge.ts";
import { pruned } from "./prune.ts";
import { compareTyped, fieldSetOf } from "./typed.ts";
import { type Managed, emptyObject, stripped, withoutManagedFields } from "./update.ts";
import { configurationFault } from "./validate-config.ts";
import { filtered, type OtherVersions, VersionedChanges } from "./versions.ts";

export interface ApplyConfiguration<T extends Managed> {
  readonly schema: StructSchema;
  readonly kind: string;
  /** What stands now; `undefined` when the object is to be created. */
  readonly live: T | undefined;
  /** The configuration as it came: not decoded, as only what it names is applied. */
  readonly config: JsonObject;
  readonly manager: string;
  readonly force: boolean;
  readonly apiVersion: string;
  readonly subresource?: string | undefined;
  readonly time: string;
  readonly resetFields?: FieldSet | undefined;
  /** How owners that wrote another version know the fields. */
  readonly others?: OtherVersions | undefined;
}

export interface Applied {
  /** The object as JSON, yet to be decoded and given defaults; without managed fields. `undefined`: as it was. */
  readonly object: JsonObject | undefined;
  readonly managedFields: readonly ManagedFieldsEntry[] | undefined;
}

/** kubectl's record of what it applied on the client's side. */
export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const BEFORE_FIRST_APPLY = "before-first-apply";

/**
 * Server-side apply: what the configuration names becomes the manager's, what the manager owned and no longer names goes.
 *
 * @throws {StatusError} 409 with the fields of other managers that would change, 400 or 500 for a configuration that cannot be
 * @see structured-merge-diff merge/update.go
 */
export function applyConfiguration<T extends Managed>(apply: ApplyConfiguration<T>): Applied {
  checkConfiguration(apply);
  const { schema, config, manager, force, apiVersion, subresource = "", time } = apply;
  const live = withoutManagedFields(apply.live ?? emptyObject(schema));
  const before = managersBefore(apply, live);
  const self: Omit<Manager, "fields"> = { manager, operation: "Apply", apiVersion, subresource, time };
  const id = identityOf(self);
  const last = before.get(id);

  const named = fieldSetOf(schema, config);
  const fields = apply.resetFields === undefined ? named : named.without(apply.resetFields);
  const owners = new Map(before).set(id, { ...self, fields });
  const merged = mergeTyped(schema, live, config) as JsonObject;
  const object = last === undefined || last.fields.empty ? merged : pruned(apply, merged, owners, last);
  const after = ownersAfter(apply, live, object, owners, id, force);

  const unchanged = equalJson(live, object);
  const own = after.get(id);
  if (unchanged && own !== undefined) after.set(id, { ...own, time: last?.time });
  const kept = apply.live?.metadata.managedFields ?? undefined;
  const next = withLastApplied(apply, object);
  return { object: apply.live !== undefined && equalJson(live, next) ? undefined : next, managedFields: encodeManagers(after, kept ?? []) };
}

function checkConfiguration({ schema, kind, config, apiVersion }: ApplyConfiguration<Managed>): void {
  const [group, version] = splitVersion(getOwn(config, "apiVersion"));
  const given = { apiVersion: getOwn(config, "apiVersion"), kind: getOwn(config, "kind") };
  const metadata = getOwn(config, "metadata");
  const shown = `${group}/${version}, Kind=${typeof given.kind === "string" ? given.kind : ""}`;
  if (given.apiVersion !== apiVersion || given.kind !== kind) throw statusError.badRequest(`invalid object type: ${shown}`);
  if (isObject(metadata) && (metadata["managedFields"] ?? null) !== null) throw statusError.badRequest("metadata.managedFields must be nil");
  const fault = configurationFault(schema, config);
  if (fault === undefined) return;
  throw unexpected(`failed to create typed patch object (${describeConfiguration(config, apiVersion, kind)}): ${fault}`);
}

/** `namespace/name; group/version, Kind=kind`, as texts about a configuration name it. */
export function describeConfiguration(config: JsonObject, apiVersion: string, kind: string): string {
  const metadata = getOwn(config, "metadata");
  const text = (name: string) => (isObject(metadata) && typeof metadata[name] === "string" ? metadata[name] : "");
  return `${text("namespace")}/${text("name")}; ${apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

function splitVersion(apiVersion: unknown): [group: string, version: string] {
  if (typeof apiVersion !== "string") return ["", ""];
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

/** Fields that were never tracked belong to whoever was there before. */
function managersBefore(apply: ApplyConfiguration<Managed>, live: JsonObject): Managers {
  const managers = decodeManagers(apply.live?.metadata.managedFields);
  if (managers === undefined) throw new StatusError({ status: "Failure", message: "failed to decode managed fields", code: 500 });
  if (managers.size > 0 || apply.live === undefined) return managers;
  const { added, modified } = filtered(compareTyped(apply.schema, emptyObject(apply.schema), live), apply.resetFields);
  const fields = stripped(added.union(modified));
  const { apiVersion, subresource = "", time } = apply;
  const owner: Manager = { manager: BEFORE_FIRST_APPLY, operation: "Update", apiVersion, subresource, time, fields };
  return fields.empty ? managers : foldOldUpdaters(new Map([[identityOf(owner), owner]]));
}

function ownersAfter(
  apply: ApplyConfiguration<Managed>,
  live: JsonObject,
  object: JsonObject,
  owners: ReadonlyMap<string, Manager>,
  self: string,
  force: boolean,
): Map<string, Manager> {
  const own = filtered(compareTyped(apply.schema, live, object), apply.resetFields);
  const changes = new VersionedChanges(apply.apiVersion, own, () => [live, object], apply.others);
  const conflicts: Conflict[] = [];
  for (const [id, owner] of owners) {
    const fields = id === self ? undefined : owner.fields.intersection(changes.in(owner.apiVersion).changed);
    if (fields !== undefined && !fields.empty) conflicts.push({ owner, fields });
  }
  if (conflicts.length > 0 && !force) refuse(conflicts, apply, live);
  const after = new Map<string, Manager>();
  for (const [id, owner] of owners) {
    const fields = id === self ? stripped(owner.fields) : owner.fields.difference(changes.in(owner.apiVersion).gone);
    if (!fields.empty) after.set(id, { ...owner, fields });
  }
  return after;
}

/** Fields that kubectl applied on the client's side, and that are still as it applied them, are its own: no conflict. */
function refuse(conflicts: readonly Conflict[], apply: ApplyConfiguration<Managed>, live: JsonObject): void {
  const allowed = apply.manager === "kubectl" ? lastAppliedFields(apply, live) : undefined;
  if (allowed === undefined) throw conflictError(conflicts);
  const rest = conflicts.map(({ owner, fields }) => ({ owner, fields: fields.difference(allowed) })).filter(({ fields }) => !fields.empty);
  if (rest.length > 0) throw conflictError(rest);
}

function annotationsOf(object: JsonObject): JsonObject {
  const metadata = getOwn(object, "metadata");
  const annotations = isObject(metadata) ? getOwn(metadata, "annotations") : undefined;
  return isObject(annotations) ? annotations : {};
}

function lastAppliedFields({ schema, apiVersion }: ApplyConfiguration<Managed>, live: JsonObject): FieldSet | undefined {
  const text = getOwn(annotationsOf(live), LAST_APPLIED);
  if (typeof text !== "string" || text === "") return undefined;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(last) || last["apiVersion"] !== apiVersion || configurationFault(schema, last) !== undefined) return undefined;
  const { added, removed, modified } = compareTyped(schema, last, live);
  return fieldSetOf(schema, last).difference(modified).difference(added).difference(removed);
}

/** kubectl may go back to client-side apply: its record is kept up to date where there is one. */
function withLastApplied({ manager, config }: ApplyConfiguration<Managed>, object: JsonObject): JsonObject {
  const annotations = annotationsOf(object);
  if (manager !== "kubectl" || !Object.hasOwn(annotations, LAST_APPLIED)) return object;
  const text = `${goJson(withoutRecord(config))}\n`;
  return { ...object, metadata: { ...(object["metadata"] as JsonObject), annotations: { ...annotations, [LAST_APPLIED]: text } } };
}

/** JSON as Go's encoder writes it: members in order, and what HTML could take for its own escaped. */
function goJson(value: unknown): string {
  const sorted = (_: string, member: unknown) => (isObject(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member);
  return JSON.stringify(value, sorted).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function withoutRecord(config: JsonObject): JsonObject {
  const metadata = getOwn(config, "metadata");
  if (!isObject(metadata) || !isObject(metadata["annotations"])) return config;
  const { [LAST_APPLIED]: _, ...annotations } = metadata["annotations"];
  return { ...config, metadata: { ...metadata, annotations } };
}
