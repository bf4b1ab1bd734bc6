import type { FieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "#apimachinery/validation/object-meta.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";

export function objectMetaErrors({ info, strategy }: ServedResource, { metadata }: KubeObject): FieldError[] {
  return validateObjectMeta(metadata, {
    namespaced: info.namespaced,
    ...(strategy.validateName && { validateName: (name, prefix) => strategy.validateName!(name, prefix) }),
  });
}

export function objectMetaUpdateErrors(_served: ServedResource, { metadata }: KubeObject, old: KubeObject): FieldError[] {
  return validateObjectMetaUpdate(metadata, old.metadata);
}
