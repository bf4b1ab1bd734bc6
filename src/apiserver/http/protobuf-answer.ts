import { encodeProtobufObject } from "#api/schema/protobuf-object.ts";
import { ProtobufError } from "#apimachinery/protobuf/object-decoder.ts";
import { failure } from "#apimachinery/status-error.ts";

/**
 * An object as a client that asked for protobuf gets it.
 *
 * @throws {StatusError} 406 for what has no message, as custom resources have none
 */
export function protobufAnswer(value: object): Buffer {
  try {
    return encodeProtobufObject(value);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw notInProtobuf();
  }
}

/** Said of custom resources. */
export function notInProtobuf(): Error {
  const why = "object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message";
  return failure(406, "NotAcceptable", why);
}
