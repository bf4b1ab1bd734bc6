import type { JsonObject } from "#apimachinery/decode/own.ts";
import type { OtherVersions } from "#apimachinery/managed-fields/index.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { Conversion } from "#apiserver/registry/conversion.ts";
import { resetFields } from "#apiserver/registry/ownership.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";

/** More versions and steps than any object has: reached only by a fault. */
const MAX_CONVERSIONS = 1000;

/** An object is wanted in a version that it has not been converted to yet. */
class NotConverted extends Error {
  override readonly name = "NotConverted";
  readonly object: JsonObject;
  readonly apiVersion: string;
  readonly key: string;

  constructor(object: JsonObject, apiVersion: string, key: string) {
    super(`not converted to ${apiVersion}`);
    this.object = object;
    this.apiVersion = apiVersion;
    this.key = key;
  }
}

/**
 * Runs what compares owners' fields in their versions, where only a webhook knows those. It is asked for what is found missing, and `run`, which is pure,
 * begins anew with what came.
 *
 * @throws {StatusError} when the webhook fails, or whatever `run` throws
 */
export async function withConversions<T>(served: ServedResource, conversion: Conversion, subresource: string, run: (others: OtherVersions) => T): Promise<T> {
  const known = new Map<string, JsonObject>();
  const to = (apiVersion: string) => (object: JsonObject) => {
    if (object["apiVersion"] === apiVersion) return object;
    const key = `${apiVersion} ${JSON.stringify(object)}`;
    const found = known.get(key);
    if (found === undefined) throw new NotConverted(object, apiVersion, key);
    return found;
  };
  const others: OtherVersions = (apiVersion) => {
    const schema = conversion.schemaOf(apiVersion);
    return schema && { schema, resetFields: resetFields(served, subresource), show: to(apiVersion), read: to(served.apiVersion) };
  };
  for (let count = 0; ; count++) {
    try {
      return run(others);
    } catch (error) {
      if (!(error instanceof NotConverted) || count >= MAX_CONVERSIONS) throw error;
      const [converted] = await conversion.convert([error.object as unknown as KubeObject], error.apiVersion);
      known.set(error.key, converted as unknown as JsonObject);
    }
  }
}
