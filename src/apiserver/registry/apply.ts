import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import { applySchemaDefaults } from "#apimachinery/decode/defaults.ts";
import { isObject } from "#apimachinery/decode/own.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import { applyConfiguration } from "#apimachinery/managed-fields/index.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { Body } from "#apiserver/registry/machinery.ts";
import { resetFields, setManagedFields } from "#apiserver/registry/machinery.ts";
import type { ObjectOutcome } from "#apiserver/registry/outcome.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import { changeObject, checkName } from "#apiserver/registry/update.ts";
import type { Draft, WriteTarget } from "#apiserver/registry/write.ts";
import { matchNamespace } from "#apiserver/registry/write.ts";
import { parseYaml } from "#apiserver/registry/yaml-body.ts";
import { formatTime } from "#lib/clock.ts";

/** PATCH of type apply: makes a missing object, and sees to managed fields itself. */
export function applyObject(deps: RegistryDeps, target: WriteTarget, body: Body): Promise<ObjectOutcome> {
  const { served, name, namespace, subresource, options } = target;
  const config = configurationOf(body);
  return changeObject(deps, target, {
    createMissing: subresource === "",
    ownsManagedFields: true,
    make: (old) => {
      const applied = applyConfiguration({
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
      const object = draftOf(served, applied.object ?? (old as unknown as JsonObject));
      setManagedFields(object, applied.managedFields);
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

function configurationOf(body: Body): JsonObject {
  const value = "value" in body ? body.value : parsed(body.text);
  if (!isObject(value))
    throw statusError.badRequest(
      `error decoding YAML: json: cannot unmarshal ${Array.isArray(value) ? "array" : typeof value} into Go value of type map[string]interface {}`,
    );
  return value;
}

function parsed(text: string): unknown {
  try {
    return parseYaml(text).value ?? {};
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw statusError.badRequest(`error decoding YAML: ${error.message}`);
  }
}

/** A fresh object in canonical form, with its defaults. */
export function draftOf({ schema, strategy }: ServedResource, value: JsonObject | KubeObject): Draft {
  const { object } = decodeObject<Draft>(schema, value);
  applySchemaDefaults(schema, object);
  strategy.applyDefaults?.(object);
  return object;
}
