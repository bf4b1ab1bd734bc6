import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import { applySchemaDefaults } from "#apimachinery/decode/defaults.ts";
import { withExactIntegers } from "#apimachinery/decode/exact-integers.ts";
import type { ParsedJson } from "#apimachinery/decode/json.ts";
import { isObject } from "#apimachinery/decode/own.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import { conversionFault } from "#apimachinery/decode/unstructured.ts";
import { type Applied, type ApplyConfiguration, applyConfiguration, describeConfiguration } from "#apimachinery/managed-fields/index.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { Body, TextBody } from "#apiserver/registry/body.ts";
import { parseText } from "#apiserver/registry/body.ts";
import { conversionOf } from "#apiserver/registry/conversion.ts";
import { withConversions } from "#apiserver/registry/converted-owners.ts";
import { otherVersions, resetFields, setManagedFields } from "#apiserver/registry/ownership.ts";
import type { ObjectOutcome } from "#apiserver/registry/outcome.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import { changeObject, checkName } from "#apiserver/registry/update.ts";
import type { Draft, WriteTarget } from "#apiserver/registry/write.ts";
import { matchNamespace } from "#apiserver/registry/write.ts";
import { formatTime } from "#lib/clock.ts";

/** PATCH of type apply: makes a missing object, and sees to managed fields itself. */
export function applyObject(deps: RegistryDeps, target: WriteTarget, body: Body): Promise<ObjectOutcome> {
  const { served, name, namespace, subresource, options } = target;
  const config = configurationOf(body, target, served.custom !== undefined);
  return changeObject(deps, target, {
    createMissing: subresource === "",
    ownsManagedFields: true,
    make: async (old) => {
      const applied = await applyWithin(served, subresource, {
        schema: served.schema,
        kind: served.info.kind,
        live: old,
        config,
        manager: options.fieldManager,
        force: options.force,
        apiVersion: served.apiVersion,
        subresource,
        time: formatTime(deps.clock.now()),
        resetFields: resetFields(served, subresource),
      });
      const object = appliedDraft(served, config, applied.object ?? (old as unknown as JsonObject));
      setManagedFields(object, applied.managedFields);
      if (old === undefined) delete (object.metadata as Partial<typeof object.metadata>).resourceVersion;
      const uid = object.metadata.uid ?? "";
      if (old === undefined && uid !== "") {
        throw statusError.conflict(served.resource, name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
      }
      matchNamespace(object, namespace);
      checkName(object, name);
      return object;
    },
  });
}

/** Where only a webhook knows how versions differ, it is asked whenever an owner's fields were recorded in another. */
function applyWithin(served: ServedResource, subresource: string, apply: ApplyConfiguration<KubeObject>): Applied | Promise<Applied> {
  const conversion = conversionOf(served);
  if (conversion === undefined) return applyConfiguration({ ...apply, others: otherVersions(served, subresource) });
  return withConversions(served, conversion, subresource, (others) => applyConfiguration({ ...apply, others }));
}

/**
 * The configuration in an apply's body.
 *
 * @param exact whether integers that numbers would lose are bigints
 * @throws {StatusError} 400
 */
export function configurationOf(body: Body, { options, context }: Pick<WriteTarget, "options" | "context">, exact = false): JsonObject {
  const { value, duplicates, notes } = "value" in body ? { value: body.value, duplicates: [] } : parsed(body);
  if (exact) withExactIntegers(value, notes);
  if (duplicates.length > 0 && options.fieldValidation === "Strict") {
    const lines = duplicates.map((text) => `\n  ${text}`).join("");
    throw statusError.badRequest(`error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:${lines}`);
  }
  if (options.fieldValidation === "Warn") for (const text of duplicates) context.warn(text);
  if (isObject(value)) return value;
  const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  throw badYaml(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`);
}

const badYaml = (why: string) => statusError.badRequest(`error decoding YAML: ${why}`);

function parsed({ text, bytes }: TextBody): ParsedJson {
  try {
    const found = parseText({ text, format: "yaml", bytes });
    return { ...found, value: found.value ?? {} };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw badYaml(`error converting YAML to JSON: ${error.message}`);
  }
}

/** What was applied has the form that its type asks for, but maybe not the values. */
function appliedDraft(served: ServedResource, config: JsonObject, value: JsonObject): Draft {
  try {
    return draftOf(served, value);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { schema, apiVersion, info } = served;
    const type = `${apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${info.kind}`;
    const why = conversionFault(schema, value) ?? error.message;
    throw unexpected(
      `failed to convert new object (${describeConfiguration(config, apiVersion, info.kind)}) to proper version: unable to convert unstructured object to ${type}: ${why}`,
    );
  }
}

/** A fresh object in canonical form, with its defaults. */
export function draftOf({ schema, strategy, custom }: ServedResource, value: JsonObject | KubeObject): Draft {
  if (custom !== undefined) return custom.decode(value as JsonObject).object;
  const { object } = decodeObject<Draft>(schema, value);
  applySchemaDefaults(schema, object);
  strategy.applyDefaults?.(object);
  return object;
}
