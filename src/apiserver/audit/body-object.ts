import { protobufObject } from "#api/schema/protobuf-object.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import { parseYaml } from "#apimachinery/decode/yaml.ts";

/**
 * The object in a body of any content type, as its JSON would be.
 *
 * @returns `undefined` for what is none, or no whole one
 */
export function bodyObject(bytes: Buffer, contentType: string): unknown {
  const media = contentType.split(";", 1)[0]!.trim().toLowerCase();
  try {
    if (media === "application/vnd.kubernetes.protobuf") return fromProtobuf(bytes);
    return media.endsWith("yaml") ? parseYaml(bytes.toString()).value : JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** Protobuf carries values that JSON leaves out. */
function fromProtobuf(bytes: Buffer): unknown {
  const { schema, value } = protobufObject(bytes);
  const { apiVersion, kind } = value;
  return { kind, apiVersion, ...decodeObject<object>(schema, value).object };
}
