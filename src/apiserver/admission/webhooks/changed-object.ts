import type { ResourceInfo } from "#api/resources.ts";
import type { Mutable } from "#api/strategy.ts";
import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import { applySchemaDefaults } from "#apimachinery/decode/defaults.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { Versions } from "#apiserver/admission/webhooks/versions.ts";
import type { Decodable } from "#apiserver/registry/body.ts";

/**
 * The object that a patch has made, with its defaults.
 *
 * @throws {StatusError} 500 when it is no such object
 */
export function decodeChanged(value: unknown, { schema, strategy, custom }: Decodable): KubeObject {
  try {
    if (custom !== undefined) return custom.decode(value as JsonObject).object as KubeObject;
    const { object } = decodeObject<Mutable<KubeObject>>(schema, value);
    object.metadata ??= {} as typeof object.metadata;
    applySchemaDefaults(schema, object);
    strategy.applyDefaults?.(object as never);
    return object as KubeObject;
  } catch (error) {
    if (error instanceof DecodeError) throw statusError.internal(error);
    throw error;
  }
}

/** Puts the object in the place of the request's, which stays the same one. @param as the version it is in */
export function replaceObject(attributes: AdmissionAttributes, as: ResourceInfo, next: KubeObject, versions: Versions): void {
  const own = versions.convert(next, as, attributes.resource);
  const target = attributes.object as unknown as JsonObject;
  for (const key of Object.keys(target)) delete target[key];
  Object.assign(target, own);
}
