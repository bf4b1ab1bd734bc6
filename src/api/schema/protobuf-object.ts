import { decodeProtobuf, openEnvelope, ProtobufError } from "#apimachinery/protobuf/object-decoder.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";

import { kindSchema } from "./table.ts";

export interface ProtobufObject {
  readonly schema: StructSchema;
  /** As the object's JSON would have it, with the zero values that protobuf carries. */
  readonly value: Record<string, unknown>;
}

/**
 * The object in Kubernetes' protobuf envelope.
 *
 * @throws {ProtobufError} for what is no protobuf, or of a kind that is not known
 */
export function protobufObject(bytes: Uint8Array): ProtobufObject {
  const { apiVersion, kind, raw } = openEnvelope(bytes);
  const slash = apiVersion.indexOf("/");
  const schema = kindSchema(slash < 0 ? "" : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind);
  if (schema === undefined) throw new ProtobufError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  return { schema, value: { apiVersion, kind, ...decodeProtobuf(schema, raw) } };
}
