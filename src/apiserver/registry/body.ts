import { isUtf8 } from "node:buffer";

import { apiVersionOf } from "#api/resources.ts";
import { protobufObject, unregisteredType } from "#api/schema/protobuf-object.ts";
import { kindSchema } from "#api/schema/table.ts";
import type { Strategy } from "#api/strategy.ts";
import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import { applySchemaDefaults } from "#apimachinery/decode/defaults.ts";
import type { ParsedJson } from "#apimachinery/decode/json.ts";
import { parseJson } from "#apimachinery/decode/json.ts";
import { isObject } from "#apimachinery/decode/own.ts";
import { parseYaml, utf8Fault } from "#apimachinery/decode/yaml.ts";
import { ProtobufError } from "#apimachinery/protobuf/object-decoder.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { CustomResource } from "#apiserver/registry/custom-resource.ts";
import type { DeleteOptions, FieldValidation } from "#apiserver/registry/options.ts";
import type { RequestContext } from "#apiserver/registry/types.ts";
import type { Draft } from "#apiserver/registry/write.ts";

/** What a request carries: text as it came, or a value from a caller in this process. */
export type Body = TextBody | { readonly value: unknown };

export interface TextBody {
  /** Empty for protobuf, which is in `bytes` alone. */
  readonly text: string;
  readonly format: "json" | "yaml" | "protobuf";
  /** What the text was read from, where that may be no UTF-8. */
  readonly bytes?: Uint8Array | undefined;
}

export interface Decodable {
  /** Of a custom resource, whose objects are read by its definition. */
  readonly custom?: CustomResource | undefined;
  readonly info: { readonly group: string; readonly kind: string };
  readonly apiVersion: string;
  readonly schema: StructSchema;
  readonly strategy: Strategy;
  /** What a body may give for the version besides. */
  readonly olderVersions?: readonly string[];
}

/** The object in a body, in canonical form, with its defaults. */
export function decodeBody(served: Decodable, body: Body, validation: FieldValidation, context: RequestContext): Draft {
  if (served.custom !== undefined) return served.custom.decodeBody(body, validation, context);
  const { schema, info, strategy } = served;
  const parsed = parseBody(body, { kind: info.kind, apiVersion: served.apiVersion });
  const typed = withKind(served, parsed, body, validation);
  let decoded;
  try {
    decoded = decodeObject<Draft>(schema, typed.value, typed.notes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw notHandled(typed.value, info.kind, error.message);
  }
  const { object } = decoded;
  const repeated = "text" in body && body.format === "yaml" ? parsed.duplicates : [];
  if (validation === "Strict") refuseStrictly(typed.value, info.kind, repeated, decoded.strictErrors);
  if (validation === "Warn") for (const text of [...repeated, ...decoded.strictErrors]) context.warn(text);
  applySchemaDefaults(schema, object);
  strategy.applyDefaults?.(object);
  return object;
}

function refuseStrictly(value: TypedValue, kind: string, repeatedInYaml: readonly string[], others: readonly string[]): void {
  const repeated = repeatedInYaml.length === 0 ? [] : [`yaml: unmarshal errors:\n${repeatedInYaml.map((text) => `  ${text}`).join("\n")}`];
  const faults = [...repeated, ...others];
  if (faults.length > 0) throw notHandled(value, kind, `strict decoding error: ${faults.join(", ")}`);
}

export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** A kind that is not stored: reviews, bindings, evictions. */
export function decodable({ group, version, kind }: Kind, strategy: Strategy = {}): Decodable {
  const schema = kindSchema(group, version, kind);
  if (schema === undefined) throw new Error(`no schema of ${group}/${version} ${kind}`);
  return { schema, info: { group, kind }, apiVersion: apiVersionOf({ group, version }), strategy };
}

/** @throws {StatusError} 400 */
export function decodeDeleteOptions(body: Body): DeleteOptions {
  const { schema } = decodable({ group: "", version: "v1", kind: "DeleteOptions" });
  let parsed: unknown;
  try {
    parsed = "value" in body ? body.value : parseText(body, { kind: "DeleteOptions", apiVersion: "v1" }).value;
  } catch (error) {
    if (error instanceof ProtobufError) throw statusError.badRequest(error.message);
    if (!(error instanceof DecodeError)) throw error;
    throw statusError.badRequest(`couldn't get version/kind; json parse error: ${error.message}`);
  }
  if (parsed !== null && !isObject(parsed)) throw statusError.badRequest(`couldn't get version/kind; json parse error: ${notTyped(parsed)}`);
  refuseOtherOptions(parsed ?? {});
  try {
    return withoutNulls(decodeObject(schema, parsed).object) as DeleteOptions;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw statusError.badRequest(error.message);
  }
}

/** DeleteOptions are of every group. */
function refuseOtherOptions(options: Readonly<Record<string, unknown>>): void {
  const kind = stringOr(options["kind"], "DeleteOptions");
  if (kind === "DeleteOptions") return;
  const version = stringOr(options["apiVersion"], "v1");
  throw statusError.badRequest(unregistered(kind, version, "pkg/apis/meta/internalversion/scheme/register.go:27"));
}

const unregistered = (kind: string, version: string, scheme: string) =>
  `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version)} in scheme ${JSON.stringify(scheme)}`;

function withoutNulls(options: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => value !== null && name !== "kind" && name !== "apiVersion"));
}

/**
 * @param expected what protobuf that does not name its kind is taken for
 * @throws {DecodeError}
 * @throws {ProtobufError}
 */
export function parseText({ text, format, bytes }: TextBody, expected?: TypedValue): ParsedJson {
  if (format === "json") return parseJson(text);
  if (format === "protobuf") return { value: protobufObject(bytes ?? new Uint8Array(), expected).value, duplicates: [] };
  if (bytes !== undefined && !isUtf8(bytes)) throw new DecodeError(`yaml: ${utf8Fault(bytes)}`);
  return parseYaml(text);
}

export function parseBody(body: Body, expected: TypedValue): ParsedJson {
  if ("value" in body) return { value: body.value, duplicates: [] };
  const { kind } = expected;
  try {
    return parseText(body, expected);
  } catch (error) {
    if (error instanceof ProtobufError) throw error.type === undefined ? unrecognized(kind, error.message, body) : notHandled(error.type, kind, error.message);
    if (!(error instanceof DecodeError)) throw error;
    throw unrecognized(kind, body.format === "yaml" ? error.message : `couldn't get version/kind; json parse error: ${error.message}`, body);
  }
}

interface TypedValue {
  readonly kind: string;
  readonly apiVersion: string;
}

/** Checks that the value is of the kind that belongs here; what says nothing is taken to be. */
function withKind(
  { info, apiVersion, olderVersions }: Decodable,
  { value, notes }: ParsedJson,
  body: Body,
  validation: FieldValidation,
): { value: TypedValue; notes: ParsedJson["notes"] } {
  if (value === null) return { value: { kind: info.kind, apiVersion }, notes };
  if (!isObject(value)) throw unrecognized(info.kind, `couldn't get version/kind; json parse error: ${notTyped(value)}`, body);
  if (validation === "Strict") refuseUntyped(value, info.kind, body);
  const kind = stringOr(value["kind"], info.kind);
  const given = stringOr(value["apiVersion"], apiVersion);
  const version = olderVersions?.includes(given) ? apiVersion : given;
  const complete = kind === value["kind"] && version === value["apiVersion"];
  const typed: TypedValue = complete ? (value as unknown as TypedValue) : { ...value, kind, apiVersion: version };
  if (!complete) carryNotes(notes, value, typed);
  if (kind === info.kind && version === apiVersion) return { value: typed, notes };
  if (version.split("/").length > 2) throw unrecognized(info.kind, `unexpected GroupVersion string: ${version}`, body);
  throw wrongKind(typed, version, { info, apiVersion });
}

function refuseUntyped(value: Readonly<Record<string, unknown>>, kind: string, body: Body): void {
  for (const name of ["kind", "apiVersion"]) {
    const given = value[name] ?? "";
    if (typeof given === "string") continue;
    const why = `json: cannot unmarshal ${goKind(given)} into Go struct field .${name} of type string`;
    throw unrecognized(kind, `couldn't get version/kind; json parse error: ${why}`, body);
  }
}

/** What was noted of a value's members holds for its copy too. */
function carryNotes(notes: ParsedJson["notes"], from: object, to: object): void {
  const order = notes?.memberOrder.get(from);
  if (order !== undefined) (notes!.memberOrder as WeakMap<object, readonly string[]>).set(to, order);
  const literals = notes?.literals.get(from);
  if (literals !== undefined) (notes!.literals as WeakMap<object, ReadonlyMap<string, string>>).set(to, literals);
}

/** Why a value of another kind or version cannot stand here. */
function wrongKind(typed: TypedValue, version: string, { info, apiVersion }: Pick<Decodable, "info" | "apiVersion">): Error {
  const [group, ver] = groupVersion(version);
  const { kind } = typed;
  if (kindSchema(group, ver, kind) === undefined) return notHandled(typed, info.kind, unregisteredType(kind, version, info.group));
  if (kind !== info.kind)
    return notHandled(typed, info.kind, `converting (${ver}.${kind}) to (${internalPackage(info.group)}.${info.kind}): unknown conversion`);
  return statusError.badRequest(`the API version in the data (${version}) does not match the expected API version (${apiVersion})`);
}

function groupVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

export const notTyped = (value: unknown) =>
  `json: cannot unmarshal ${goKind(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function stringOr(value: unknown, fallback: string): string {
  return typeof value === "string" && value !== "" ? value : fallback;
}

/** The Go package of a group's internal types, as some texts name it. */
export function internalPackage(group: string): string {
  return group === "" ? "core" : group.split(".")[0]!;
}

export function notHandled({ kind, apiVersion }: TypedValue, wanted: string, why: string): Error {
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  return statusError.badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${wanted}: ${why}`);
}

const SUMMARY_BYTES = 30;

export function unrecognized(kind: string, why: string, body: Body): Error {
  const bytes = "value" in body ? new Uint8Array() : (body.bytes ?? Buffer.from(body.text));
  return statusError.badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(Buffer.from(bytes))})`);
}

/** The beginning of a body, as upstream shows it. */
function summary(body: Buffer): string {
  if (body.length === 0) return "<empty>";
  const start = body.subarray(0, SUMMARY_BYTES);
  const shown = body[0] === "{".charCodeAt(0) ? start.toString() : start.toString("hex");
  return body.length > SUMMARY_BYTES ? `${shown} ...` : shown;
}
