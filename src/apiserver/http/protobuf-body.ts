import { kindSchema } from "#api/schema/table.ts";
import { decodeProtobuf, openEnvelope, ProtobufError } from "#apimachinery/protobuf/object-decoder.ts";
import { statusError } from "#apimachinery/status-error.ts";

/**
 * The object in a protobuf body, as its JSON would have it.
 *
 * @throws {StatusError} 400 for what is no protobuf, or of a kind that is not known
 */
export function protobufBody(bytes: Uint8Array): Record<string, unknown> {
  try {
    const { apiVersion, kind, raw } = openEnvelope(bytes);
    const slash = apiVersion.indexOf("/");
    const schema = kindSchema(slash < 0 ? "" : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind);
    if (schema === undefined) throw statusError.badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
    return { apiVersion, kind, ...decodeProtobuf(schema, raw) };
  } catch (error) {
    if (error instanceof ProtobufError) throw statusError.badRequest(error.message);
    throw error;
  }
}
