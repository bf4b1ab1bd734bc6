/** Types of the language. Immutable; equal by structure, see `sameType`. */
export type Kind =
  | "dyn"
  | "any"
  | "null"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "timestamp"
  | "duration"
  | "list"
  | "map"
  | "type"
  | "struct"
  | "opaque"
  | "param"
  | "function"
  | "error";

export interface CelType {
  readonly kind: Kind;
  /** What `type(x)` and error messages about values call it. */
  readonly name: string;
  readonly params: readonly CelType[];
}

function simple(kind: Kind, name: string = kind): CelType {
  return { kind, name, params: [] };
}

/** Of a type that is not known, and never will be; `DYN` may come to be. */
export const ANY = simple("any");
export const DYN = simple("dyn");
export const NULL = simple("null", "null_type");
export const BOOL = simple("bool");
export const INT = simple("int");
export const UINT = simple("uint");
export const DOUBLE = simple("double");
export const STRING = simple("string");
export const BYTES = simple("bytes");
export const TIMESTAMP = simple("timestamp", "google.protobuf.Timestamp");
export const DURATION = simple("duration", "google.protobuf.Duration");
export const TYPE = simple("type");
export const ERROR = simple("error");

export function listOf(element: CelType): CelType {
  return { kind: "list", name: "list", params: [element] };
}

export function mapOf(key: CelType, value: CelType): CelType {
  return { kind: "map", name: "map", params: [key, value] };
}

/** A type with fields, which a `TypeProvider` knows. */
export function structType(name: string): CelType {
  return simple("struct", name);
}

/** A type of which only functions know anything. */
export function opaqueType(name: string, ...params: readonly CelType[]): CelType {
  return { kind: "opaque", name, params };
}

export function optionalOf(value: CelType): CelType {
  return opaqueType("optional_type", value);
}

export function typeOf(type: CelType): CelType {
  return { kind: "type", name: "type", params: [type] };
}

/** A type parameter of a function's declaration, or one that the checker made. */
export function param(name: string): CelType {
  return simple("param", name);
}

export function isDyn({ kind }: CelType): boolean {
  return kind === "dyn" || kind === "any";
}

/** The type in an optional, and whether it was in one. */
export function unwrapOptional(type: CelType): { readonly type: CelType; readonly isOptional: boolean } {
  const isOptional = type.kind === "opaque" && type.name === "optional_type";
  return { type: isOptional ? (type.params[0] ?? DYN) : type, isOptional };
}

export function sameType(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  return a.kind === b.kind && a.name === b.name && a.params.length === b.params.length && a.params.every((type, i) => sameType(type, b.params[i]!));
}

const SHOWN: Readonly<Partial<Record<Kind, string>>> = { timestamp: "timestamp", duration: "duration", null: "null", error: "!error!" };

/** As error messages of the checker print it. */
export function formatType(type: CelType): string {
  const shown = SHOWN[type.kind];
  if (shown !== undefined) return shown;
  if (type.kind === "function") return `${formatArguments(type.params.slice(1))} -> ${formatType(type.params[0]!)}`;
  return type.params.length === 0 ? type.name : `${type.name}${formatArguments(type.params)}`;
}

export function formatArguments(types: readonly CelType[]): string {
  return `(${types.map(formatType).join(", ")})`;
}
