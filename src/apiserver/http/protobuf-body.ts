import { protobufObject } from "#api/schema/protobuf-object.ts";
import { ProtobufError } from "#apimachinery/protobuf/object-decoder.ts";
import { statusError } from "#apimachinery/status-error.ts";

/**
 * The object in a protobuf body, as its JSON would have it.
 *
 * @throws {StatusError} 400 for what is no protobuf, or of a kind that is not known
 */
export function protobufBody(bytes: Uint8Array): Record<string, unknown> {
  try {
    return protobufObject(bytes).value;
  } catch (error) {
    if (error instanceof ProtobufError) throw statusError.badRequest(error.message);
    throw error;
  }
}
