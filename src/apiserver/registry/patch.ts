import { unregisteredType } from "#api/schema/protobuf-object.ts";
import { kindSchema } from "#api/schema/table.ts";
import { applySchemaDefaults } from "#apimachinery/decode/defaults.ts";
import type { Decoded } from "#apimachinery/decode/decode.ts";
import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import { isObject, setOwn } from "#apimachinery/decode/own.ts";
import { conversionFault } from "#apimachinery/decode/unstructured.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { printGo } from "#apimachinery/patch/go-print.ts";
import type { JsonPatchOperation } from "#apimachinery/patch/json-patch.ts";
import { applyJsonPatch, parseJsonPatch } from "#apimachinery/patch/json-patch.ts";
import { applyMergePatch, parseMergePatch } from "#apimachinery/patch/merge-patch.ts";
import { applyStrategicMergePatch, parseStrategicMergePatch } from "#apimachinery/patch/strategic-merge-patch.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { applyObject } from "#apiserver/registry/apply.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { Body, Decodable } from "#apiserver/registry/body.ts";
import { internalPackage } from "#apiserver/registry/body.ts";
import type { CustomResource } from "#apiserver/registry/custom-resource.ts";
import type { FieldValidation } from "#apiserver/registry/options.ts";
import type { ObjectOutcome } from "#apiserver/registry/outcome.ts";
import type { PatchType, RequestContext } from "#apiserver/registry/types.ts";
import { changeObject, checkName } from "#apiserver/registry/update.ts";
import type { Draft, WriteTarget } from "#apiserver/registry/write.ts";
import { matchNamespace } from "#apiserver/registry/write.ts";

/** PATCH of an object. */
export async function patchObject(deps: RegistryDeps, target: WriteTarget, type: PatchType, body: Body): Promise<ObjectOutcome> {
  if (type === "apply") return applyObject(deps, target, body);
  const { served, name, namespace, options, context } = target;
  let patcher: Patcher | undefined;
  return changeObject(deps, target, {
    make: (old) => {
      if (old === undefined) throw statusError.notFound(served.resource, name);
      patcher ??= patcherOf(type, body, options.fieldValidation, served.custom !== undefined);
      const object = patchedDraft(served, patcher, old, options.fieldValidation, context);
      matchNamespace(object, namespace);
      checkName(object, name);
      return object;
    },
  });
}

/** A patch that has been read once and can be applied to any state. */
export interface Patcher {
  apply(served: Decodable, document: JsonObject): JsonObject;
  readonly strictErrors: readonly string[];
  /** Whether the result goes into the type without a text that names one. */
  readonly untyped?: boolean;
  /** How errors show what could not be decoded. */
  shown(patched: JsonObject): string;
}

/**
 * @param exact whether integers of the patch that numbers would lose are bigints
 * @throws {StatusError} for a body that is no patch of that type
 */
export function patcherOf(type: Exclude<PatchType, "apply">, body: Body, validation: FieldValidation, exact = false): Patcher {
  const own = "value" in body ? { patch: body.value, strictErrors: [] } : undefined;
  const text = "text" in body ? body.text : "";
  const errorsOf = (found: readonly string[]) => (validation === "Ignore" ? [] : found);
  switch (type) {
    case "json": {
      const { patch, strictErrors } = own ?? parseJsonPatch(text, exact);
      const apply = (_: Decodable, document: JsonObject) => applyJsonPatch(document, patch as readonly JsonPatchOperation[]) as JsonObject;
      return { apply, strictErrors: errorsOf(strictErrors), shown: (patched) => sortedJson(patched) };
    }
    case "merge": {
      const { patch, strictErrors } = own ?? parseMergePatch(text, exact);
      return {
        apply: (_, document) => applyMergePatch(document, patch as JsonObject),
        strictErrors: errorsOf(strictErrors),
        shown: (patched) => sortedJson(patched),
      };
    }
    case "strategic": {
      const { patch, strictErrors } = own ?? parseStrategicMergePatch(text);
      const apply = ({ schema }: Decodable, document: JsonObject) => applyStrategicMergePatch(schema, document, patch as JsonObject);
      return { apply, strictErrors: errorsOf(strictErrors), shown: () => printGo(patch), untyped: true };
    }
  }
}

/** What a patch makes of an object, decoded anew, with its defaults. */
export function patchedDraft(served: Decodable, patcher: Patcher, old: KubeObject, validation: FieldValidation, context: RequestContext): Draft {
  const patched = patcher.apply(served, old as unknown as JsonObject);
  const refused = (why: string) => statusError.invalid({ group: "", kind: "" }, "", [fieldError.invalid(new FieldPath("patch"), patcher.shown(patched), why)]);
  const decoded = decodePatched(served, patcher, patched, refused);
  const strictErrors = validation === "Ignore" ? [] : [...patcher.strictErrors, ...decoded.strictErrors];
  if (strictErrors.length > 0 && validation === "Strict") throw refused(`strict decoding error: ${strictErrors.join(", ")}`);
  for (const text of strictErrors) context.warn(text);
  if (served.custom === undefined) applySchemaDefaults(served.schema, decoded.object);
  served.strategy.applyDefaults?.(decoded.object);
  return decoded.object;
}

/** A strategic patch leaves the type as it is; the others give a text that is decoded as whatever it says it is. */
function decodePatched(served: Decodable, patcher: Patcher, patched: JsonObject, refused: (why: string) => Error): Decoded<Draft> {
  const { schema, info, apiVersion } = served;
  if (served.custom !== undefined) return decodeCustom(served.custom, patched, refused);
  const type = { kind: info.kind, apiVersion };
  if (!patcher.untyped) refuseOtherType(served, patched, refused);
  // Without a version nothing is known of the other members, so that all of them are strange.
  const known = patcher.untyped || typeof patched["apiVersion"] === "string" ? patched : {};
  try {
    const decoded = decodeObject<Draft>(schema, { ...known, ...type });
    if (decoded.strictErrors.length > 1 && !patcher.untyped) return decodeObject<Draft>(schema, { ...(inOrder(known) as JsonObject), ...type });
    return known === patched ? decoded : { ...decoded, strictErrors: unknownFields(patched) };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refused((patcher.untyped ? conversionFault(schema, patched) : undefined) ?? error.message);
  }
}

function decodeCustom(custom: CustomResource, patched: JsonObject, refused: (why: string) => Error): Decoded<Draft> {
  try {
    return custom.decode(patched);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refused(error.message);
  }
}

function refuseOtherType({ info, apiVersion }: Decodable, patched: JsonObject, refused: (why: string) => Error): void {
  const { kind = info.kind, apiVersion: version = apiVersion } = patched as { kind?: unknown; apiVersion?: unknown };
  if (typeof kind !== "string" || typeof version !== "string" || (kind === info.kind && version === apiVersion)) return;
  const [group, ver] = version.includes("/") ? (version.split("/", 2) as [string, string]) : ["", version];
  const other = kindSchema(group, ver, kind);
  if (other === undefined) throw refused(unregisteredType(kind, version, info.group));
  try {
    decodeObject(other, patched);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refused(error.message);
  }
  throw refused(`converting (${ver}.${kind}) to (${internalPackage(info.group)}.${info.kind}): unknown conversion`);
}

const unknownFields = (patched: JsonObject) =>
  Object.keys(patched)
    .filter((name) => name !== "kind" && name !== "apiVersion")
    .sort()
    .map((name) => `unknown field ${JSON.stringify(name)}`);

/** JSON with its members in order, as Go writes a map. */
const sortedJson = (value: unknown): string => JSON.stringify(inOrder(value));

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isObject(value)) return value;
  const sorted: JsonObject = {};
  for (const name of Object.keys(value).sort()) setOwn(sorted, name, inOrder(value[name]));
  return sorted;
}
