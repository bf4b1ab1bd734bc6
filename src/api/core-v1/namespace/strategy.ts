import type { Namespace } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isQualifiedName, nameIsDnsLabel } from "#apimachinery/validation/names.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

import { type Errors, pushInvalid } from "../pod-spec/checks.ts";

const NAME_LABEL = "kubernetes.io/metadata.name";
/** Holds the namespace until everything in it is gone. */
const KUBERNETES_FINALIZER = "kubernetes";
const STANDARD_FINALIZERS = [KUBERNETES_FINALIZER, "orphan", "foregroundDeletion"];
const FINALIZERS = new FieldPath("spec.finalizers");

/** @see kubernetes pkg/registry/core/namespace/strategy.go */
export const namespaceStrategy: Strategy<Namespace> = {
  validateName: nameIsDnsLabel,
  applyDefaults(namespace) {
    labelWithName(namespace);
    if (namespace.status) namespace.status.phase ||= "Active";
  },
  prepareForCreate(namespace) {
    namespace.status = { phase: "Active" };
    const finalizers = (namespace.spec.finalizers ??= []);
    if (!finalizers.includes(KUBERNETES_FINALIZER)) finalizers.push(KUBERNETES_FINALIZER);
  },
  prepareForUpdate(namespace, old) {
    namespace.spec.finalizers = [...(old.spec.finalizers ?? [])];
  },
  validateCreate: validate,
  validateUpdate: (namespace) => [...validateObjectMeta(namespace.metadata, { namespaced: false, validateName: nameIsDnsLabel }), ...validate(namespace)],
  canonicalize: labelWithName,
  selectableFields: ({ status }) => ({ "status.phase": status.phase ?? "" }),
  selectableFieldNames: ["status.phase"],
  subresources: {
    status: { validateUpdate: validateStatus },
    finalize: { validateUpdate: ({ spec }) => validateFinalizers(spec.finalizers, (i) => FINALIZERS.index(i)) },
  },
};

/** Selectors can so name a namespace by its name. */
function labelWithName({ metadata }: Mutable<Namespace>): void {
  if (metadata.name) (metadata.labels ??= {})[NAME_LABEL] = metadata.name;
}

function validate({ spec }: Namespace): FieldError[] {
  return validateFinalizers(spec.finalizers, () => FINALIZERS);
}

function validateFinalizers(finalizers: readonly string[] | undefined, pathOf: (i: number) => FieldPath): FieldError[] {
  const errors: Errors = [];
  for (const [i, finalizer] of (finalizers ?? []).entries()) {
    pushInvalid(errors, pathOf(i), finalizer, isQualifiedName(finalizer));
    if (!finalizer.includes("/") && !STANDARD_FINALIZERS.includes(finalizer)) {
      errors.push(fieldError.invalid(pathOf(i), finalizer, "name is neither a standard finalizer name nor is it fully qualified"));
    }
  }
  return errors;
}

/** The phase says whether the namespace is being deleted, and nothing else. */
function validateStatus({ metadata, status }: Namespace): FieldError[] {
  const { deletionTimestamp } = metadata;
  const wanted = deletionTimestamp ? "Terminating" : "Active";
  if (status.phase === wanted) return [];
  const why = `may only be '${wanted}' if \`deletionTimestamp\` is ${deletionTimestamp ? "not empty" : "empty"}`;
  return [fieldError.invalid(new FieldPath("status.Phase"), status.phase ?? "", why)];
}
