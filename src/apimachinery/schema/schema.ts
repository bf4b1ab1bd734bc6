/**
 * The one description of a type that everything generic is driven by: decoding, pruning, defaults, patches, managed
 * fields, protobuf, OpenAPI. Built-in kinds get theirs from `#api/schema/table.ts`, custom resources from their CRD.
 */
export type Schema = ScalarSchema | ListSchema | MapSchema | StructSchema | AnySchema;

export type ScalarType = "string" | "int32" | "int64" | "double" | "boolean" | "bytes" | "quantity" | "intOrString" | "time" | "microTime" | "duration";

export interface ScalarSchema {
  readonly kind: "scalar";
  readonly type: ScalarType;
  readonly enum?: readonly string[] | undefined;
  /** What upstream's decoding errors call the type, where it has a name of its own: `v1.Protocol`. */
  readonly goType?: string | undefined;
}

export interface ListSchema {
  readonly kind: "list";
  readonly items: Schema;
  readonly listType: "atomic" | "set" | "map";
  /** The keys of an associative list; empty otherwise. */
  readonly mapKeys: readonly string[];
  /** Keys that must be unique although the list is atomic. */
  readonly uniqueBy?: readonly string[] | undefined;
  readonly goType?: string | undefined;
}

export interface MapSchema {
  readonly kind: "map";
  readonly values: Schema;
  /** An atomic map is owned and applied whole. */
  readonly atomic: boolean;
  readonly goType?: string | undefined;
}

export interface StructSchema {
  readonly kind: "struct";
  /** The type's key in the table: `core/v1.PodSpec`. */
  readonly name: string;
  readonly atomic: boolean;
  /** By JSON name, inlined fields included, in the order of upstream's struct. */
  readonly fields: ReadonlyMap<string, FieldSchema>;
  /** Keeps fields it does not know, as `x-kubernetes-preserve-unknown-fields` asks. */
  readonly preserveUnknown?: boolean;
}

/** Any JSON, kept as it came. */
export interface AnySchema {
  readonly kind: "any";
  /** An object of another type (`runtime.RawExtension`): owned and applied whole. */
  readonly atomic?: boolean | undefined;
  /** When given, the value takes one of these forms, told apart by the kind of JSON value. */
  readonly forms?: readonly Schema[] | undefined;
}

export interface FieldSchema {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
  /** Whether nothing is told from a zero value. */
  readonly pointer: boolean;
  /** When the encoder leaves the field out: never, when it is empty, or also when a struct is zero. */
  readonly omit: "never" | "empty" | "zero";
  /** The marker default, in JSON. */
  readonly default?: unknown;
  /** The protobuf field number, in the message of the innermost struct of `embedded`. */
  readonly number?: number | undefined;
  /** The structs of upstream's that the field is inlined through, outermost first. */
  readonly embedded?: readonly { readonly name: string; readonly number?: number | undefined }[] | undefined;
  /** Whether protobuf has a message of its own around the list. */
  readonly wrapped?: boolean | undefined;
  readonly patchStrategy: readonly ("merge" | "replace" | "retainKeys")[];
  readonly patchMergeKey?: string | undefined;
}
