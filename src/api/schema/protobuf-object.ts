import { decodeProtobuf, openEnvelope, ProtobufError } from "#apimachinery/protobuf/object-decoder.ts";
import { encodeProtobuf, protobufEnvelope } from "#apimachinery/protobuf/object-encoder.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";

import { kindSchema } from "./table.ts";

/**
 * An object in Kubernetes' protobuf envelope.
 *
 * @param value in canonical form, of a kind that is built in
 * @throws {ProtobufError} for what has no message
 */
export function encodeProtobufObject(value: object): Buffer {
  const { apiVersion = "", kind = "" } = value as { readonly apiVersion?: string; readonly kind?: string };
  const schema = schemaOf(apiVersion, kind);
  if (schema === undefined) throw new ProtobufError(`no message of ${apiVersion} ${kind}`);
  return protobufEnvelope(apiVersion, kind, encodeProtobuf(schema, value));
}

export interface ProtobufObject {
  readonly schema: StructSchema;
  /** As the object's JSON would have it, with the zero values that protobuf carries. */
  readonly value: Record<string, unknown>;
}

/**
 * The object in Kubernetes' protobuf envelope.
 *
 * @param expected what an envelope that says nothing is taken to hold
 * @throws {ProtobufError} for what is no protobuf, or of a kind that is not known
 */
export function protobufObject(bytes: Uint8Array, expected?: { readonly apiVersion: string; readonly kind: string }): ProtobufObject {
  const { raw, ...envelope } = openEnvelope(bytes);
  const kind = envelope.kind || (expected?.kind ?? "");
  const apiVersion = envelope.apiVersion || (expected?.apiVersion ?? "");
  const schema = schemaOf(apiVersion, kind);
  const type = { apiVersion, kind };
  if (schema === undefined) throw new ProtobufError(unregisteredType(kind, apiVersion), { type });
  try {
    return { schema, value: { ...type, ...decodeProtobuf(schema, raw) } };
  } catch (error) {
    throw error instanceof ProtobufError ? new ProtobufError(error.message, { cause: error, type }) : error;
  }
}

function schemaOf(apiVersion: string, kind: string): StructSchema | undefined {
  const slash = apiVersion.indexOf("/");
  return kindSchema(slash < 0 ? "" : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind);
}

/** Where upstream's servers that are not the main one register their types. */
const OTHER_SCHEMES: Readonly<Record<string, string>> = {
  "apiextensions.k8s.io": "pkg/apiserver/apiserver.go:55",
  "apiregistration.k8s.io": "pkg/apiserver/scheme/scheme.go:28",
};

/**
 * What a decoder says of a type it does not know.
 *
 * @param group whose server decodes
 */
export function unregisteredType(kind: string, version: string, group = ""): string {
  const scheme = OTHER_SCHEMES[group] ?? "pkg/api/legacyscheme/scheme.go:30";
  return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version)} in scheme ${JSON.stringify(scheme)}`;
}
