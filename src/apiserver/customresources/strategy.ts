import type { CustomResourceSubresourceScale, SelectableField } from "#api/apiextensions-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";
import { type FieldError, FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { Correlation } from "#apimachinery/structural/correlation.ts";
import { validateEmbedded } from "#apimachinery/structural/embedded.ts";
import { type JsonSchema, propertyOf } from "#apimachinery/structural/json-schema.ts";
import { validateListTypes } from "#apimachinery/structural/list-types.ts";
import { validateValue } from "#apimachinery/structural/validate-value.ts";

import { finalizerWarnings } from "./finalizer-warnings.ts";
import { jsonPath } from "./json-path.ts";
import { CustomRules } from "./rules.ts";

export interface CustomVersion {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: JsonSchema;
  readonly scale: CustomResourceSubresourceScale | undefined;
  readonly selectableFields: readonly SelectableField[];
}

const ROOT = new FieldPath();
const MAX_INT32 = 2 ** 31 - 1;

/**
 * The rules of one version of a custom resource.
 *
 * @see apiextensions-apiserver pkg/registry/customresource/strategy.go
 */
export function customStrategy(rules: CustomVersion): Strategy {
  const { schema } = rules;
  const fields = rules.selectableFields.map(({ jsonPath: path }) => ({ name: path.slice(1), find: jsonPath(path) }));
  const expressions = new CustomRules(schema);
  return {
    hasGeneration: true,
    allowUnconditionalUpdate: false,
    generationFields: ({ metadata: _metadata, ...rest }) => rest,
    load: () => expressions.load(),
    validateCreate: (object, checked) => {
      const wrong = typeErrors(object, rules);
      const own = wrong.length > 0 ? wrong : [...validateValue(ROOT, object, schema), ...scaleErrors(object, rules.scale)];
      const found = [...own, ...validateEmbedded(ROOT, object, schema), ...validateListTypes(ROOT, object, schema)];
      return [...found, ...expressions.errors(object, found, checked)];
    },
    validateUpdate: (object, old, checked) => {
      const correlation = new Correlation(object, old, schema);
      const wrong = typeErrors(object, rules);
      const own = wrong.length > 0 ? wrong : [...validateValue(ROOT, object, schema, correlation), ...scaleErrors(object, rules.scale)];
      const found = [...own, ...validateEmbedded(ROOT, object, schema), ...changedListErrors(object, old, schema)];
      return [...found, ...expressions.errors(object, found, checked, { old, correlation })];
    },
    warningsOnCreate: ({ metadata }) => finalizerWarnings(metadata.finalizers ?? []),
    warningsOnUpdate: ({ metadata }, old) => finalizerWarnings((metadata.finalizers ?? []).filter((name) => old.metadata.finalizers?.includes(name) !== true)),
    selectableFieldNames: fields.map(({ name }) => name),
    selectableFields: (object) => Object.fromEntries(fields.map(({ name, find }) => [name, String(find(object)[0] ?? "")])),
    subresources: { status: statusRules(rules, expressions) },
  };
}

function statusRules(rules: CustomVersion, expressions: CustomRules): NonNullable<Strategy["subresources"]>[string] {
  return {
    prepareForUpdate: (object, old) => {
      const { managedFields, resourceVersion } = object.metadata;
      object.metadata = { ...structuredClone(old.metadata), resourceVersion } as typeof object.metadata;
      if (managedFields === undefined) delete object.metadata.managedFields;
      else object.metadata.managedFields = managedFields;
    },
    validateUpdate: (object, old, checked) => {
      const correlation = new Correlation(object, old, rules.schema);
      const found = [...statusErrors(object, correlation, rules), ...changedListErrors(object, old, rules.schema)];
      return [...found, ...expressions.errors(object, found, checked, { old, correlation })];
    },
  };
}

function statusErrors(object: KubeObject, correlation: Correlation, rules: CustomVersion): FieldError[] {
  const wrong = typeErrors(object, rules);
  if (wrong.length > 0) return wrong;
  const status = propertyOf(rules.schema, "status");
  const { status: now } = object as { status?: unknown };
  const own = now === undefined || status === undefined ? [] : validateValue(new FieldPath("status"), now, status, correlation.member("status"));
  return [...own, ...scaleStatusErrors(object, rules.scale)];
}

function typeErrors({ kind, apiVersion }: KubeObject, rules: CustomVersion): FieldError[] {
  return [
    ...(kind === rules.kind ? [] : [fieldError.invalid(new FieldPath("kind"), kind ?? "", `must be ${rules.kind}`)]),
    ...(apiVersion === rules.apiVersion ? [] : [fieldError.invalid(new FieldPath("apiVersion"), apiVersion ?? "", `must be ${rules.apiVersion}`)]),
  ];
}

/** What stood there twice already may stay. */
function changedListErrors(object: KubeObject, old: KubeObject, schema: JsonSchema): FieldError[] {
  return validateListTypes(ROOT, old, schema).length > 0 ? [] : validateListTypes(ROOT, object, schema);
}

function scaleErrors(object: KubeObject, scale: CustomResourceSubresourceScale | undefined): FieldError[] {
  return scale === undefined ? [] : [...replicasErrors(object, scale.specReplicasPath), ...scaleStatusErrors(object, scale)];
}

function scaleStatusErrors(object: KubeObject, scale: CustomResourceSubresourceScale | undefined): FieldError[] {
  if (scale === undefined) return [];
  const errors = replicasErrors(object, scale.statusReplicasPath);
  const selector = scale.labelSelectorPath === undefined ? undefined : nested(object, scale.labelSelectorPath);
  if (selector === undefined || typeof selector.value === "string") return errors;
  return [...errors, fieldError.invalid(new FieldPath(scale.labelSelectorPath!), "", mistyped(scale.labelSelectorPath!, selector.value, "string"))];
}

function replicasErrors(object: KubeObject, path: string): FieldError[] {
  const at = new FieldPath(path);
  const found = nested(object, path);
  if (found === undefined) return [];
  const { value } = found;
  if (typeof value !== "bigint" && (typeof value !== "number" || !Number.isInteger(value))) return [fieldError.invalid(at, 0, mistyped(path, value, "int64"))];
  if (value < 0) return [fieldError.invalid(at, value, "should be a non-negative integer")];
  return value > MAX_INT32 ? [fieldError.invalid(at, value, `should be less than or equal to ${MAX_INT32}`)] : [];
}

const mistyped = (path: string, value: unknown, wanted: string) =>
  `${path} accessor error: ${typeof value === "string" ? value : JSON.stringify(value)} is of the type ${goType(value)}, expected ${wanted}`;

function goType(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  if (isObject(value)) return "map[string]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "boolean" ? "bool" : typeof value === "bigint" ? "int64" : typeof value;
}

/** What stands at a path of dots. */
export function nested(object: object, path: string): { readonly value: unknown } | undefined {
  let value: unknown = object;
  for (const name of path.replace(/^\./, "").split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return { value };
}
