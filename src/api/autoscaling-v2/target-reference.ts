import type { CrossVersionObjectReference } from "#api/autoscaling-v2/types.ts";
import { type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";

export interface ReferenceOptions {
  /** Whether it may be of the core group. */
  readonly allowCore: boolean;
  readonly allowInvalidVersion: boolean;
}

export function validateTargetReference(errors: Errors, reference: CrossVersionObjectReference, path: FieldPath, options: ReferenceOptions): void {
  const { kind = "", name = "", apiVersion = "" } = reference;
  for (const [field, value] of Object.entries({ kind, name })) {
    if (value === "") errors.push(fieldError.required(path.child(field)));
    else pushInvalid(errors, path.child(field), value, nameIsPathSegment(value));
  }
  const fault = options.allowInvalidVersion ? undefined : versionFault(reference, options.allowCore);
  if (fault !== undefined) errors.push(fieldError.invalid(path.child("apiVersion"), apiVersion, fault));
}

/** What is wrong with the version, `undefined` when nothing is. */
export function versionFault({ apiVersion = "" }: CrossVersionObjectReference, allowCore: boolean): string | undefined {
  const slashes = apiVersion.split("/").length - 1;
  if (slashes > 1) return `unexpected GroupVersion string: ${apiVersion}`;
  return allowCore || (slashes === 1 && !apiVersion.startsWith("/")) ? undefined : "apiVersion must specify API group";
}
