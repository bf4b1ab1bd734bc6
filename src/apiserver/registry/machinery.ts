import { apiVersionOf } from "#api/resources.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import { kindSchema } from "#api/schema/table.ts";
import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import { applySchemaDefaults } from "#apimachinery/decode/defaults.ts";
import { parseYaml } from "#apiserver/registry/yaml-body.ts";
import { parseJson } from "#apimachinery/decode/json.ts";
import type { JsonNotes } from "#apimachinery/decode/json.ts";
import { isObject } from "#apimachinery/decode/own.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { parseFieldSelector } from "#apimachinery/field-selector.ts";
import { parseLabelSelector, SelectorError } from "#apimachinery/label-selector.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "#apimachinery/validation/object-meta.ts";
import { FieldSet, recordUpdate as recordManager } from "#apimachinery/managed-fields/index.ts";
import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { DeleteOptions, FieldValidation } from "#apiserver/registry/options.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import type { RequestContext } from "#apiserver/registry/types.ts";
import type { Draft } from "#apiserver/registry/write.ts";

/** What a request carries: text as it came, or a value from a caller in this process. */
export type Body = { readonly text: string; readonly format: "json" | "yaml" } | { readonly value: unknown };

export interface Decodable {
  readonly info: { readonly group: string; readonly kind: string };
  readonly apiVersion: string;
  readonly schema: StructSchema;
  readonly strategy: Strategy;
}

/** The object in a body, in canonical form, with its defaults. */
export function decodeBody(served: Decodable, body: Body, validation: FieldValidation, context: RequestContext): Draft {
  const { schema, info, strategy } = served;
  const parsed = parseBody(body, info.kind);
  const value = withKind(served, parsed.value, "text" in body ? body.text : "");
  let decoded;
  try {
    decoded = decodeObject<Draft>(schema, value, parsed.notes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw notHandled(value, info.kind, error.message);
  }
  const { object, strictErrors } = decoded;
  if (strictErrors.length > 0 && validation !== "Ignore") {
    if (validation === "Strict") throw notHandled(value, info.kind, `strict decoding error: ${strictErrors.join(", ")}`);
    for (const text of strictErrors) context.warn(text);
  }
  applySchemaDefaults(schema, object);
  strategy.applyDefaults?.(object);
  return object;
}

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** A kind that is not stored: reviews, bindings, evictions. */
export function decodable({ group, version, kind }: Kind): Decodable {
  const schema = kindSchema(group, version, kind);
  if (schema === undefined) throw new Error(`no schema of ${group}/${version} ${kind}`);
  return { schema, info: { group, kind }, apiVersion: apiVersionOf({ group, version }), strategy: {} };
}

export function decodeSubresourceBody(kind: Kind, body: Body, validation: FieldValidation, context: RequestContext): KubeObject {
  return decodeBody(decodable(kind), body, validation, context) as KubeObject;
}

/** @throws {StatusError} 400 */
export function decodeDeleteOptions(body: Body): DeleteOptions {
  const options = decodable({ group: "", version: "v1", kind: "DeleteOptions" });
  let parsed: unknown;
  try {
    parsed = "value" in body ? body.value : parseText(body).value;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw statusError.badRequest(`couldn't get version/kind; json parse error: ${error.message}`);
  }
  try {
    const decoded = decodeObject(options.schema, parsed).object;
    return withoutNulls(decoded) as DeleteOptions;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw statusError.badRequest(error.message);
  }
}

function withoutNulls(options: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => value !== null && name !== "kind" && name !== "apiVersion"));
}

function parseText({ text, format }: { readonly text: string; readonly format: "json" | "yaml" }): Parsed {
  return format === "yaml" ? parseYaml(text) : parseJson(text);
}

interface Parsed {
  readonly value: unknown;
  readonly notes?: JsonNotes | undefined;
  readonly duplicates?: readonly string[] | undefined;
}

function parseBody(body: Body, kind: string): Parsed {
  if ("value" in body) return { value: body.value };
  try {
    return parseText(body);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw unrecognized(kind, `couldn't get version/kind; json parse error: ${error.message}`, body.text);
  }
}

interface TypedValue {
  readonly kind: string;
  readonly apiVersion: string;
}

/** Checks that the value is of the kind that belongs here; what says nothing is taken to be. */
function withKind({ info, apiVersion }: Decodable, value: unknown, text: string): TypedValue {
  if (value === null) return { kind: info.kind, apiVersion };
  if (!isObject(value)) {
    const why = `json: cannot unmarshal ${goKind(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
    throw unrecognized(info.kind, `couldn't get version/kind; json parse error: ${why}`, text);
  }
  const kind = stringOr(value.kind, info.kind);
  const version = stringOr(value.apiVersion, apiVersion);
  const typed = { ...value, kind, apiVersion: version };
  if (kind === info.kind && version === apiVersion) return typed;
  const [group, ver] = version.includes("/") ? (version.split("/", 2) as [string, string]) : ["", version];
  if (kindSchema(group, ver, kind) === undefined) {
    throw notHandled(
      typed,
      info.kind,
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version)} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  }
  if (kind !== info.kind)
    throw notHandled(typed, info.kind, `converting (${ver}.${kind}) to (${internalPackage(info.group)}.${info.kind}): unknown conversion`);
  throw statusError.badRequest(`the API version in the data (${version}) does not match the expected API version (${apiVersion})`);
}

function goKind(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
}

function stringOr(value: unknown, fallback: string): string {
  return typeof value === "string" && value !== "" ? value : fallback;
}

/** The Go package of a group's internal types, as some texts name it. */
export function internalPackage(group: string): string {
  return group === "" ? "core" : group.split(".")[0]!;
}

function notHandled({ kind, apiVersion }: TypedValue, wanted: string, why: string): Error {
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  return statusError.badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${wanted}: ${why}`);
}

const SUMMARY_BYTES = 30;

function unrecognized(kind: string, why: string, text: string): Error {
  return statusError.badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(Buffer.from(text))})`);
}

/** The beginning of a body, as upstream shows it. */
function summary(body: Buffer): string {
  if (body.length === 0) return "<empty>";
  const start = body.subarray(0, SUMMARY_BYTES);
  const shown = body[0] === "{".charCodeAt(0) ? start.toString() : start.toString("hex");
  return body.length > SUMMARY_BYTES ? `${shown} ...` : shown;
}

export function objectMetaErrors({ info, strategy }: ServedResource, { metadata }: KubeObject): FieldError[] {
  return validateObjectMeta(metadata, {
    namespaced: info.namespaced,
    ...(strategy.validateName && { validateName: (name, prefix) => strategy.validateName!(name, prefix) }),
  });
}

export function objectMetaUpdateErrors(_served: ServedResource, { metadata }: KubeObject, old: KubeObject): FieldError[] {
  return validateObjectMetaUpdate(metadata, old.metadata);
}

export interface UpdateRecord {
  readonly live: KubeObject | undefined;
  readonly next: Draft;
  readonly manager: string;
  readonly subresource: string;
  readonly now: string;
}

/** Writes down in `next` which fields `manager` has set. */
export function recordUpdate(served: ServedResource, { live, next, manager, subresource, now }: UpdateRecord): void {
  const { schema, apiVersion } = served;
  const record = { schema, live, updated: next as KubeObject, manager, apiVersion, subresource, time: now, resetFields: resetFields(served, subresource) };
  setManagedFields(next, recordManager(record));
}

/** Managed fields of what is answered at once and never stored. */
export function recordReview(kind: Kind, object: KubeObject, manager: string, now: string): void {
  const { schema, apiVersion } = decodable(kind);
  if (!schema.fields.has("metadata")) return;
  const draft = object as Draft;
  const metadata = (draft.metadata ??= {} as Draft["metadata"]);
  setManagedFields(
    { ...draft, metadata },
    recordManager({ schema, live: undefined, updated: object, manager, apiVersion, time: now, resetFields: STATUS_FIELDS }),
  );
}

export function setManagedFields({ metadata }: Draft, entries: readonly ManagedFieldsEntry[] | undefined): void {
  if (entries === undefined || entries.length === 0) delete metadata.managedFields;
  else metadata.managedFields = entries as Mutable<ManagedFieldsEntry[]>;
}

const STATUS_FIELDS = FieldSet.of(["f:status"]);
const BY_STATUS: Readonly<Record<string, FieldSet>> = {
  "/Pod": FieldSet.of(["f:spec"], ["f:metadata", "f:deletionTimestamp"], ["f:metadata", "f:ownerReferences"]),
  "apps/Deployment": FieldSet.of(["f:spec"], ["f:metadata", "f:labels"]),
};
const SPEC_FIELDS = FieldSet.of(["f:spec"]);

/** What an endpoint does not take from a client, so that nobody owns it through there. */
export function resetFields({ info, hasStatus }: ServedResource, subresource: string): FieldSet | undefined {
  if (subresource === "") return hasStatus ? STATUS_FIELDS : undefined;
  return subresource === "status" ? (BY_STATUS[`${info.group}/${info.kind}`] ?? SPEC_FIELDS) : undefined;
}

type Labels = Readonly<Record<string, string>>;

/** @throws {StatusError} 400 */
export function labelMatcher(text: string): (labels: Labels) => boolean {
  const selector = parsed(() => parseLabelSelector(text));
  return (labels) => selector.matches(labels);
}

export interface FieldSelection {
  matches(object: KubeObject): boolean;
  /** Fields that must have one value. */
  readonly exact: ReadonlyMap<string, string>;
}

/** @throws {StatusError} 400 for what does not parse, and for fields that the kind cannot be selected by */
export function fieldMatcher({ strategy }: ServedResource, text: string): FieldSelection {
  const { requirements } = parsed(() => parseFieldSelector(text));
  const known = new Set(["metadata.name", "metadata.namespace", ...(strategy.selectableFieldNames ?? [])]);
  for (const { field } of requirements) {
    if (known.has(field)) continue;
    throw statusError.badRequest(
      strategy.selectableFieldNames === undefined
        ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
        : `field label not supported: ${field}`,
    );
  }
  const exact = new Map(requirements.filter(({ equals }) => equals).map(({ field, value }) => [field, value]));
  return { exact, matches: (object) => requirements.every(({ field, equals, value }) => (fieldOf(object, field, strategy) === value) === equals) };
}

function fieldOf(object: KubeObject, field: string, strategy: Strategy): string {
  if (field === "metadata.name") return object.metadata.name;
  if (field === "metadata.namespace") return object.metadata.namespace ?? "";
  return strategy.selectableFields?.(object)[field] ?? "";
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    throw statusError.badRequest(error.message);
  }
}
