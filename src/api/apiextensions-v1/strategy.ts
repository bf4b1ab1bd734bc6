import { applyDefinitionDefaults } from "#api/apiextensions-v1/defaults.ts";
import { internalSpec, schemasOf } from "#api/apiextensions-v1/internal.ts";
import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import { validateDefinition, validateDefinitionUpdate, validateStatus } from "#api/apiextensions-v1/validate.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { type FieldError, FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { hasRules } from "#apimachinery/rules/has-rules.ts";
import { loadRuleEngine } from "#apimachinery/rules/load.ts";
import { formatCheck } from "#apimachinery/structural/formats.ts";
import { someSchema } from "#apimachinery/structural/json-schema.ts";

type Definition = CustomResourceDefinition;

/** @see apiextensions-apiserver pkg/registry/customresourcedefinition/strategy.go */
export const customResourceDefinitionStrategy: Strategy<Definition> = {
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  keepsStatusOnCreate: true,
  applyDefaults: applyDefinitionDefaults,
  prepareForCreate: (definition) => {
    definition.status = { conditions: null as never, acceptedNames: { plural: "", kind: "" }, storedVersions: null as never };
    rememberStored(definition);
  },
  prepareForUpdate: (definition) => rememberStored(definition),
  load: ({ spec }) => (schemasOf(internalSpec(spec)).some(hasRules) ? loadRuleEngine() : undefined),
  validateCreate: (definition) => [...nameErrors(definition), ...validateDefinition(definition)],
  validateUpdate: validateDefinitionUpdate,
  warningsOnCreate: (definition) => unknownFormats(definition).map(formatWarning),
  warningsOnUpdate: (definition, old) => {
    const before = unknownFormats(old);
    return unknownFormats(definition)
      .filter((format) => !before.includes(format))
      .map(formatWarning);
  },
  subresources: { status: { validateUpdate: ({ status }) => validateStatus(status) } },
};

/** A version that objects are stored in is known as one for as long as there may be some. */
function rememberStored(definition: Mutable<Definition>): void {
  const { spec, status } = definition;
  const storage = (spec.versions as typeof spec.versions | null)?.find((version) => version.storage);
  if (storage === undefined || (status.storedVersions?.includes(storage.name) ?? false)) return;
  definition.status = { ...status, storedVersions: [...(status.storedVersions ?? []), storage.name] };
}

/** The name says plural and group, so that no two definitions are about the same. */
function nameErrors({ metadata, spec }: Definition): FieldError[] {
  const { name } = metadata;
  if (!name || name === `${spec.names?.plural ?? ""}.${spec.group ?? ""}`) return [];
  return [fieldError.invalid(new FieldPath("metadata").child("name"), name, 'must be spec.names.plural+"."+spec.group')];
}

/** Formats of texts that nobody checks. */
function unknownFormats({ spec }: Definition): string[] {
  const found: string[] = [];
  for (const schema of schemasOf(internalSpec(spec))) {
    someSchema(schema, ({ type, format = "" }) => {
      if (type === "string" && format !== "" && formatCheck(format) === undefined) found.push(format);
      return false;
    });
  }
  return found;
}

const formatWarning = (format: string) => `unrecognized format ${JSON.stringify(format)}`;
