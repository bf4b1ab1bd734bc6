import type { ConfigMapNodeConfigSource, NodeConfigSource, NodeConfigStatus } from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isConfigMapKey, isDns1123Label, isDns1123Subdomain } from "#apimachinery/validation/names.ts";

import { type Errors, pushInvalid } from "../pod-spec/checks.ts";

/** Sources of a kubelet's configuration: nothing reads them any more, but they keep their form. */
export function validateConfigSource(errors: Errors, source: NodeConfigSource, part: "spec" | "status", path: FieldPath): void {
  if (source.configMap) validateConfigMap(errors, source.configMap, part, path.child("configMap"));
  else errors.push(fieldError.invalid(path, { ConfigMap: null }, "exactly one reference subfield must be non-nil"));
}

export function validateConfigStatus(errors: Errors, status: NodeConfigStatus, path: FieldPath): void {
  for (const field of ["assigned", "active", "lastKnownGood"] as const) {
    const source = status[field];
    if (source) validateConfigSource(errors, source, "status", path.child(field));
  }
}

function validateConfigMap(errors: Errors, source: ConfigMapNodeConfigSource, part: "spec" | "status", path: FieldPath): void {
  for (const field of ["uid", "resourceVersion"] as const) {
    if (part === "status" && !source[field]) errors.push(fieldError.required(path.child(field)));
    if (part === "spec" && source[field]) errors.push(fieldError.forbidden(path.child(field), `${field} must not be set in spec`));
  }
  checkNamed(errors, source.namespace, isDns1123Label, path.child("namespace"));
  checkNamed(errors, source.name, isDns1123Subdomain, path.child("name"));
  checkNamed(errors, source.kubeletConfigKey, isConfigMapKey, path.child("kubeletConfigKey"));
}

function checkNamed(errors: Errors, value: string | undefined, isValid: (value: string) => string[], path: FieldPath): void {
  if (value) pushInvalid(errors, path, value, isValid(value));
  else errors.push(fieldError.required(path));
}
