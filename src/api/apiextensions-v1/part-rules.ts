import { fieldAt } from "#apimachinery/structural/field-path.ts";
import { conversionFault } from "#api/apiextensions-v1/structural-rules.ts";
import type { CustomResourceColumnDefinition, CustomResourceSubresources, SelectableField } from "#api/apiextensions-v1/types.ts";
import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const SELECTABLE_TYPES = ["string", "boolean", "integer"];
const MAX_SELECTABLE = 8;

export function subresourceErrors(subresources: CustomResourceSubresources | undefined, path: FieldPath): FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  const { specReplicasPath: spec = "", statusReplicasPath: status = "", labelSelectorPath: selector = "" } = scale;
  const labels = path.child("scale.labelSelectorPath");
  const isLabels = selector === "" || selector.startsWith(".spec.") || selector.startsWith(".status.");
  return [
    ...replicasErrors(path.child("scale.specReplicasPath"), spec, "spec"),
    ...replicasErrors(path.child("scale.statusReplicasPath"), status, "status"),
    ...(selector !== "" && !selector.startsWith(".")
      ? simplePathErrors(labels, selector)
      : isLabels
        ? []
        : [fieldError.invalid(labels, selector, "should be a json path under either .spec or .status")]),
  ];
}

function replicasErrors(path: FieldPath, value: string, part: string): FieldError[] {
  if (value === "") return [fieldError.required(path)];
  const errors = simplePathErrors(path, value);
  if (errors.length > 0 || value.startsWith(`.${part}.`)) return errors;
  return [fieldError.invalid(path, value, `should be a json path under .${part}`)];
}

const simplePathErrors = (path: FieldPath, value: string) =>
  value.startsWith(".") ? [] : [fieldError.invalid(path, value, "must be a simple json path starting with .")];

export function columnErrors(columns: readonly CustomResourceColumnDefinition[] = [], path: FieldPath): FieldError[] {
  return columns.flatMap(({ name = "", type = "", format = "", jsonPath = "" }, i) => {
    const at = path.index(i);
    const errors: FieldError[] = [];
    const types = `must be one of ${COLUMN_TYPES.join(",")}`;
    if (name === "") errors.push(fieldError.required(at.child("name")));
    if (type === "") errors.push(fieldError.required(at.child("type"), types));
    else if (!COLUMN_TYPES.includes(type)) errors.push(fieldError.invalid(at.child("type"), type, types));
    if (format !== "" && !COLUMN_FORMATS.includes(format)) {
      errors.push(fieldError.invalid(at.child("format"), format, `must be one of ${COLUMN_FORMATS.join(",")}`));
    }
    const place = at.child("JSONPath");
    return [...errors, ...(jsonPath === "" ? [fieldError.required(place)] : simplePathErrors(place, jsonPath))];
  });
}

const NO_SCHEMA = {
  version: "may only be set when `version.schema.openAPIV3Schema` is not included",
  spec: "may only be set when validations.schema is included",
} as const;

/** @param place where they stand: what all versions have alike stands with the spec */
export function selectableErrors(
  fields: readonly SelectableField[] = [],
  schema: JsonSchema | undefined,
  path: FieldPath,
  place: keyof typeof NO_SCHEMA,
): FieldError[] {
  if (fields.length === 0) return [];
  if (schema === undefined) return [fieldError.invalid(path, "", NO_SCHEMA[place])];
  if (conversionFault(schema) !== undefined) return []; // told with the schema; upstream panics here
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, { jsonPath = "" }] of fields.entries()) {
    const at = path.index(i).child("jsonPath");
    if (jsonPath === "") {
      errors.push(fieldError.required(at));
      continue;
    }
    const found = fieldAt(jsonPath, schema, false);
    if ("fault" in found) {
      errors.push(fieldError.invalid(at, jsonPath, `is an invalid path: ${found.fault}`));
      continue;
    }
    if (found.path.split(/[.[]/, 1)[0] === "metadata") errors.push(fieldError.invalid(at, jsonPath, "must not point to fields in metadata"));
    if (!SELECTABLE_TYPES.includes(found.schema?.type ?? "")) {
      const why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
      errors.push(fieldError.invalid(at, jsonPath, why));
    }
    if (seen.has(found.path)) errors.push(fieldError.duplicate(at, jsonPath));
    seen.add(found.path);
  }
  if (seen.size > MAX_SELECTABLE) errors.push(fieldError.tooMany(path, seen.size, MAX_SELECTABLE));
  return errors;
}
