import type * as crd from "#api/apiextensions-v1/types.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import { sorted } from "#apimachinery/structural/findings.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";

/** One version, without what all versions have alike. */
export interface InternalVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated: boolean;
  readonly deprecationWarning: string | undefined;
  readonly schema: Validation | undefined;
  readonly subresources: crd.CustomResourceSubresources | undefined;
  readonly columns: readonly crd.CustomResourceColumnDefinition[] | undefined;
  readonly selectableFields: readonly crd.SelectableField[] | undefined;
}

export interface Validation {
  readonly openAPIV3Schema?: JsonSchema | undefined;
}

/**
 * A definition's spec as upstream's rules see it: what all versions have alike stands with the spec, and is told with the
 * paths from there.
 *
 * @see apiextensions-apiserver pkg/apis/apiextensions/v1/conversion.go
 */
export interface InternalSpec {
  readonly group: string;
  readonly version: string;
  readonly names: Partial<crd.CustomResourceDefinitionNames>;
  readonly scope: string;
  readonly validation: Validation | undefined;
  readonly subresources: crd.CustomResourceSubresources | undefined;
  readonly columns: readonly crd.CustomResourceColumnDefinition[] | undefined;
  readonly selectableFields: readonly crd.SelectableField[] | undefined;
  readonly versions: readonly InternalVersion[] | null;
  readonly conversion: crd.CustomResourceConversion | undefined;
  readonly preserveUnknownFields: boolean;
}

export function internalSpec(spec: crd.CustomResourceDefinitionSpec): InternalSpec {
  const versions = (spec.versions as readonly crd.CustomResourceDefinitionVersion[] | null) ?? [];
  const schema = shared(versions.map((each) => each.schema));
  const subresources = shared(versions.map((each) => each.subresources));
  const columns = shared(versions.map((each) => each.additionalPrinterColumns));
  const selectable = shared(versions.map((each) => each.selectableFields));
  return {
    group: spec.group ?? "",
    version: versions[0]?.name ?? "",
    names: spec.names ?? {},
    scope: spec.scope ?? "",
    validation: schema.value as Validation | undefined,
    subresources: subresources.value,
    columns: columns.value,
    selectableFields: selectable.value,
    versions:
      spec.versions === null
        ? null
        : versions.map((each) => ({
            name: each.name,
            served: each.served,
            storage: each.storage,
            deprecated: each.deprecated ?? false,
            deprecationWarning: each.deprecationWarning,
            schema: schema.same ? undefined : (each.schema as Validation | undefined),
            subresources: subresources.same ? undefined : each.subresources,
            columns: columns.same ? undefined : each.additionalPrinterColumns,
            selectableFields: selectable.same ? undefined : each.selectableFields,
          })),
    conversion: spec.conversion,
    preserveUnknownFields: spec.preserveUnknownFields ?? false,
  };
}

function shared<T>(values: readonly T[]): { readonly same: boolean; readonly value: T | undefined } {
  const same = values.length > 0 && values.every((value) => equalJson(value ?? null, values[0] ?? null));
  return { same, value: same ? values[0] : undefined };
}

/** Versions as upstream's errors print them. */
export function printedVersions(versions: InternalSpec["versions"]): unknown {
  return (
    versions?.map((each) => ({
      Name: each.name,
      Served: each.served,
      Storage: each.storage,
      Deprecated: each.deprecated,
      DeprecationWarning: each.deprecationWarning ?? null,
      Schema: each.schema === undefined ? null : sorted(each.schema),
      Subresources: each.subresources === undefined ? null : sorted(each.subresources),
      AdditionalPrinterColumns: each.columns ?? null,
      SelectableFields: each.selectableFields?.map(({ jsonPath }) => ({ JSONPath: jsonPath })) ?? null,
    })) ?? null
  );
}

/** Every schema of a spec. */
export function schemasOf({ validation, versions }: InternalSpec): JsonSchema[] {
  return [validation, ...(versions ?? []).map((each) => each.schema)].flatMap((each) => (each?.openAPIV3Schema === undefined ? [] : [each.openAPIV3Schema]));
}
