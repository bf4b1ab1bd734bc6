import { approvalErrors } from "#api/apiextensions-v1/approval.ts";
import { conversionErrors, hasKnownReviewVersion } from "#api/apiextensions-v1/conversion-rules.ts";
import { defaultErrors } from "#api/apiextensions-v1/default-rules.ts";
import { type InternalSpec, internalSpec, type InternalVersion, printedVersions, schemasOf, type Validation } from "#api/apiextensions-v1/internal.ts";
import { columnErrors, selectableErrors, subresourceErrors } from "#api/apiextensions-v1/part-rules.ts";
import { RuleContext } from "#api/apiextensions-v1/rule-context.ts";
import { schemaErrors } from "#api/apiextensions-v1/schema-rules.ts";
import { conversionFault, structuralErrors } from "#api/apiextensions-v1/structural-rules.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionStatus } from "#api/apiextensions-v1/types.ts";
import { type FieldError, FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { hasRules } from "#apimachinery/rules/has-rules.ts";
import { type JsonSchema, someSchema } from "#apimachinery/structural/json-schema.ts";
import { isDns1035Label, isDns1123Subdomain } from "#apimachinery/validation/names.ts";
import { FIELD_IMMUTABLE } from "#apimachinery/validation/object-meta.ts";
import { sameJson } from "#lib/same-json.ts";

const SPEC = new FieldPath("spec");
const STATUS = new FieldPath("status");
const MAX_WARNING = 256;
const IMMUTABLE = FIELD_IMMUTABLE;

/** @see apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go */
export function validateDefinition(definition: CustomResourceDefinition): FieldError[] {
  return [...specErrors(internalSpec(definition.spec), true, new Set()), ...commonErrors(definition, undefined)];
}

export function validateDefinitionUpdate(definition: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const spec = internalSpec(definition.spec);
  const before = internalSpec(old.spec);
  const needsKnownReview = before.conversion === undefined || hasKnownReviewVersion(before.conversion);
  const errors = specErrors(spec, needsKnownReview, unchangedVersions(definition, old));
  const keep = (path: FieldPath, value: unknown, was: unknown) => (value === was ? [] : [fieldError.invalid(path, value, IMMUTABLE)]);
  const names = SPEC.child("names");
  if (old.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") === true) {
    errors.push(...keep(SPEC.child("scope"), spec.scope, before.scope), ...keep(names.child("kind"), spec.names.kind, before.names.kind));
  }
  errors.push(...keep(SPEC.child("group"), spec.group, before.group), ...keep(names.child("plural"), spec.names.plural, before.names.plural));
  return [...errors, ...commonErrors(definition, old)];
}

export function validateStatus({ acceptedNames }: CustomResourceDefinitionStatus): FieldError[] {
  return nameErrors(acceptedNames ?? {}, STATUS.child("acceptedNames"));
}

function commonErrors(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  return [
    ...validateStatus(definition.status),
    ...storedVersionErrors(definition),
    ...approvalErrors(definition, old),
    ...(definition.spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true ? [PRESERVING] : []),
  ];
}

const PRESERVING = fieldError.invalid(
  SPEC.child("preserveUnknownFields"),
  true,
  "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
);

function storedVersionErrors({ spec, status }: CustomResourceDefinition): FieldError[] {
  const path = STATUS.child("storedVersions");
  const stored = status.storedVersions ?? [];
  if (stored.length === 0) return [fieldError.invalid(path, status.storedVersions ?? null, "must have at least one stored version")];
  const versions = spec.versions ?? [];
  return [
    ...versions.flatMap(({ name, storage }, i) => {
      // A name that comes again is not there any more for upstream.
      const isKnown = stored.includes(name) && versions.findIndex((version) => version.name === name) === i;
      return storage && !isKnown ? [fieldError.invalid(path, stored, `must have the storage version ${name}`)] : [];
    }),
    ...stored.flatMap((name, i) => (versions.some((version) => version.name === name) ? [] : [fieldError.invalid(path.index(i), name, goneText(name))])),
  ];
}

const goneText = (name: string) =>
  `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ` +
  `ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;

/** The names of versions whose schemas are what they were. */
function unchangedVersions({ spec }: CustomResourceDefinition, old: CustomResourceDefinition): ReadonlySet<string> {
  const before = new Map(old.spec.versions.map(({ name, schema }) => [name, schema]));
  return new Set((spec.versions ?? []).filter(({ name, schema }) => before.has(name) && sameJson(schema, before.get(name))).map(({ name }) => name));
}

/** @param unchanged versions with the schemas that they had */
function specErrors(spec: InternalSpec, needsKnownReview: boolean, unchanged: ReadonlySet<string>): FieldError[] {
  const { versions, names } = spec;
  const errors = [...groupErrors(spec.group), ...scopeErrors(spec.scope), ...missingSchemas(spec)];
  const defaults = schemasOf(spec).some((schema) => someSchema(schema, (each) => each.default !== undefined));
  if (defaults && spec.preserveUnknownFields) {
    errors.push(fieldError.invalid(SPEC.child("preserveUnknownFields"), true, "must be false in order to use defaults in the schema"));
  }
  const hasOwnSubresources = versions?.some(({ subresources }) => subresources !== undefined) ?? false;
  for (const [i, version] of (versions ?? []).entries()) {
    const subresources = hasOwnSubresources ? version.subresources : spec.subresources;
    errors.push(...versionErrors(version, SPEC.child("versions").index(i), subresources?.status !== undefined, unchanged.has(version.name)));
  }
  errors.push(...versionSetErrors(spec));
  for (const name of ["plural", "singular", "kind", "listKind"] as const) {
    if ((names[name] ?? "") === "") errors.push(fieldError.required(SPEC.child("names").child(name)));
  }
  errors.push(...nameErrors(names, SPEC.child("names")));
  const anyStatus = [spec, ...(versions ?? [])].some(({ subresources }) => subresources?.status !== undefined);
  errors.push(...validationErrors(spec.validation, SPEC.child("validation"), anyStatus, unchanged.has(spec.version)));
  errors.push(...subresourceErrors(spec.subresources, SPEC.child("subresources")));
  errors.push(...columnErrors(spec.columns, SPEC.child("additionalPrinterColumns")));
  errors.push(...selectableErrors(spec.selectableFields, spec.validation?.openAPIV3Schema, SPEC.child("selectableFields"), "spec"));
  if (spec.conversion !== undefined && spec.conversion.strategy !== "None" && spec.preserveUnknownFields) {
    const why = "must be None if spec.preserveUnknownFields is true";
    errors.push(fieldError.invalid(SPEC.child("conversion").child("strategy"), spec.conversion.strategy, why));
  }
  return [...errors, ...conversionErrors(spec.conversion, SPEC.child("conversion"), needsKnownReview)];
}

function groupErrors(group: string): FieldError[] {
  const path = SPEC.child("group");
  if (group === "") return [fieldError.required(path)];
  const messages = isDns1123Subdomain(group);
  if (messages.length > 0) return [fieldError.invalid(path, group, messages.join(","))];
  return group.includes(".") ? [] : [fieldError.invalid(path, group, "should be a domain with at least one dot")];
}

function scopeErrors(scope: string): FieldError[] {
  const path = SPEC.child("scope");
  if (scope === "") return [fieldError.required(path)];
  const known = ["Cluster", "Namespaced"];
  return known.includes(scope) ? [] : [fieldError.notSupported(path, scope, known)];
}

function missingSchemas({ validation, versions }: InternalSpec): FieldError[] {
  if (validation?.openAPIV3Schema !== undefined) return [];
  return (versions ?? []).flatMap(({ schema }, i) =>
    schema?.openAPIV3Schema === undefined ? [fieldError.required(SPEC.child("versions").index(i).child("schema").child("openAPIV3Schema"))] : [],
  );
}

function versionErrors(version: InternalVersion, path: FieldPath, hasStatus: boolean, isOld: boolean): FieldError[] {
  const { name, deprecated, deprecationWarning, schema } = version;
  const wrong = isDns1035Label(name ?? "");
  const errors = wrong.length === 0 ? [] : [fieldError.invalid(path.child("name"), name ?? "", wrong.join(","))];
  for (const why of warningFaults(deprecated, deprecationWarning)) errors.push(fieldError.invalid(path.child("deprecationWarning"), deprecationWarning, why));
  return [
    ...errors,
    ...validationErrors(schema, path.child("schema"), hasStatus, isOld),
    ...subresourceErrors(version.subresources, path.child("subresources")),
    ...columnErrors(version.columns, path.child("additionalPrinterColumns")),
    ...selectableErrors(version.selectableFields, schema?.openAPIV3Schema, path.child("selectableFields"), "version"),
  ];
}

function warningFaults(deprecated: boolean, warning: string | undefined): string[] {
  if (warning === undefined) return [];
  if (!deprecated) return ["can only be set for deprecated versions"];
  const faults: string[] = [];
  if (Buffer.byteLength(warning) > MAX_WARNING) faults.push(`must be <= ${MAX_WARNING} characters long`);
  if (warning === "") faults.push("must not be an empty string");
  const strange = warning.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
  if (strange >= 0)
    faults.push(`must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(warning.slice(0, strange))}`);
  return faults;
}

function versionSetErrors(spec: InternalSpec): FieldError[] {
  const path = SPEC.child("versions");
  const list = spec.versions ?? [];
  const errors: FieldError[] = [];
  const refuse = (why: string) => errors.push(fieldError.invalid(path, printedVersions(spec.versions), why));
  if (new Set(list.map(({ name }) => name)).size !== list.length) refuse("must contain unique version names");
  if (list.filter(({ storage }) => storage).length !== 1) refuse("must have exactly one version marked as storage version");
  const wrong = spec.version === "" ? [] : isDns1035Label(spec.version);
  if (wrong.length > 0) errors.push(fieldError.invalid(SPEC.child("version"), spec.version, wrong.join(",")));
  return errors;
}

function nameErrors(names: Partial<CustomResourceDefinitionNames>, path: FieldPath): FieldError[] {
  const { plural = "", singular = "", kind = "", listKind = "", shortNames, categories } = names;
  const errors: FieldError[] = [];
  const check = (at: FieldPath, value: string, checked = value, before = "") => {
    const wrong = isDns1035Label(checked);
    if (wrong.length > 0) errors.push(fieldError.invalid(at, value, before + wrong.join(",")));
  };
  const mixed = "may have mixed case, but should otherwise match: ";
  if (plural !== "") check(path.child("plural"), plural);
  if (singular !== "") check(path.child("singular"), singular);
  if (kind !== "") check(path.child("kind"), kind, kind.toLowerCase(), mixed);
  if (listKind !== "") check(path.child("listKind"), listKind, listKind.toLowerCase(), mixed);
  for (const [i, name] of (shortNames ?? []).entries()) check(path.child("shortNames").index(i), name);
  if (kind !== "" && kind === listKind) errors.push(fieldError.invalid(path.child("listKind"), listKind, "kind and listKind may not be the same"));
  for (const [i, category] of (categories ?? []).entries()) check(path.child("categories").index(i), category);
  return errors;
}

/** Fields that count for the whole object, and so may not stand beside a status with its own endpoint. */
const NOT_WITH_STATUS = ["default", "enum", "maxProperties", "minProperties", "allOf", "oneOf", "anyOf", "not", "additionalProperties"] as const;
const NOT_WITH_STATUS_TEXT =
  "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf " +
  "Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled";

function validationErrors(validation: Validation | undefined, path: FieldPath, hasStatus: boolean, isOld: boolean): FieldError[] {
  const schema = validation?.openAPIV3Schema;
  if (schema === undefined) return [];
  const at = path.child("openAPIV3Schema");
  const errors: FieldError[] = [];
  if (hasStatus && (schema.type ?? "") !== "" && schema.type !== "object") {
    const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    errors.push(fieldError.invalid(path.child("openAPIV3Schema.type"), schema.type, why));
  } else if (hasStatus && NOT_WITH_STATUS.some((name) => schema[name] !== undefined)) errors.push(fieldError.invalid(at, schema, NOT_WITH_STATUS_TEXT));
  if (schema.nullable === true) errors.push(fieldError.forbidden(path.child("openAPIV3Schema.nullable"), "nullable cannot be true at the root"));
  const fault = conversionFault(schema);
  const structure = fault === undefined ? structureErrors(at, schema) : [];
  const rules = fault === undefined && structure.length === 0 && hasRules(schema) ? RuleContext.of(schema, isOld) : undefined;
  errors.push(...structure, ...schemaErrors(at, schema, rules), ...(rules?.totalErrors(at) ?? []));
  if (errors.length === 0 && fault !== undefined) errors.push(fieldError.invalid(at, "", fault));
  return errors;
}

function structureErrors(path: FieldPath, schema: JsonSchema): FieldError[] {
  const errors = structuralErrors(path, schema);
  return errors.length > 0 ? errors : defaultErrors(path, schema);
}
