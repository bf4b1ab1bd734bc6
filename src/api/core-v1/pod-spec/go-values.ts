import { GO_STRUCTS } from "#api/schema/go-types.ts";
import { wasEmptied } from "#apimachinery/decode/emptied.ts";

import { sortedMap } from "./checks.ts";

type Json = Readonly<Record<string, unknown>>;

interface GoField {
  /** The Go name; of an embedded struct nothing. */
  readonly name: string;
  readonly json: string;
  readonly type: string;
}

const structs = new Map<string, readonly GoField[]>();

function fieldsOf(type: string): readonly GoField[] | undefined {
  let fields = structs.get(type);
  const text = GO_STRUCTS[type];
  if (fields === undefined && text !== undefined) {
    fields = text.split(" ").map(parseField);
    structs.set(type, fields);
  }
  return fields;
}

function parseField(text: string): GoField {
  if (text.startsWith("...")) return { name: "", json: "", type: text.slice(3) };
  const [names = "", type = ""] = text.split(":");
  const [name = "", json = name[0]!.toLowerCase() + name.slice(1)] = names.split("=");
  return { name, json, type };
}

/**
 * A value as upstream prints the struct that it holds it in: every field, under its Go name.
 *
 * @param type a type of `GO_STRUCTS`, `[]T` for a list of them
 */
export function goValue(type: string, value: unknown): unknown {
  if (type.startsWith("*")) return value === undefined || value === null ? null : goValue(type.slice(1), value);
  if (type.startsWith("[]")) return Array.isArray(value) ? value.map((item) => goValue(type.slice(2), item)) : null;
  const fields = fieldsOf(type);
  if (fields !== undefined) {
    const struct = (value ?? {}) as Json;
    return goStruct(fields, type === "PodSpec" ? withHostFields(struct) : struct, struct);
  }
  if (value !== undefined && value !== null) return type === "map" ? sortedMap(value as Json) : value;
  return ZERO[type] ?? null;
}

/** What Go prints where nothing is set; anything else prints as null. */
const ZERO: Readonly<Record<string, unknown>> = { string: "", number: 0, bool: false, quantity: "0", intOrString: 0 };

/** @param decoded the struct itself, of which `value` may be a changed copy */
function goStruct(fields: readonly GoField[], value: Json, decoded: Json): Json {
  const printed: Record<string, unknown> = {};
  for (const { name, json, type } of fields) {
    if (name !== "") printed[name] = goValue(type, value[json] ?? emptyOf(type, decoded, json));
    else if (type === "ObjectMeta") Object.assign(printed, goMetadata((value["metadata"] ?? {}) as Json));
    else Object.assign(printed, goStruct(fieldsOf(type) ?? [], value, decoded));
  }
  return printed;
}

/** The labels of a template as Go prints them: none as null, unless they were sent as none. */
export function goLabels(metadata: { readonly labels?: Readonly<Record<string, string>> | undefined } | undefined): Json | null {
  return sortedMap(metadata?.labels) ?? (wasEmptied(metadata, "labels") ? {} : null);
}

/** A list or map that was sent with nothing in it. */
function emptyOf(type: string, decoded: Json, field: string): unknown {
  if (!wasEmptied(decoded, field)) return undefined;
  return type === "map" ? {} : [];
}

/** Metadata has its wire form in memory too. */
function goMetadata(metadata: Json): Json {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [name, name === "labels" || name === "annotations" ? sortedMap(value as Json) : value]),
  );
}

/** In memory, what concerns the host's namespaces belongs to the security context. */
const HOST_FIELDS = ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"];

function withHostFields(spec: Json): Json {
  const host = Object.fromEntries(HOST_FIELDS.map((field) => [field, spec[field]]));
  return { ...spec, securityContext: { ...(spec["securityContext"] as object | undefined), ...host } };
}
