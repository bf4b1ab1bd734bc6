import { checkQualifiedName, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import type { Lease } from "#api/coordination-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

const SPEC = new FieldPath("spec");
const STRATEGIES = ["OldestEmulationVersion"];

/** Coordinated leader election is off in this release, and its fields are dropped. */
const ELECTION_FIELDS = ["strategy", "preferredHolder"] as const;

/** @see kubernetes pkg/registry/coordination/lease/strategy.go */
export const leaseStrategy: Strategy<Lease> = {
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  prepareForCreate({ spec }) {
    for (const field of ELECTION_FIELDS) delete spec[field];
  },
  prepareForUpdate({ spec }, old) {
    for (const field of ELECTION_FIELDS) if (old.spec[field] === undefined) delete spec[field];
  },
  validateCreate: validate,
  validateUpdate: validate,
};

function validate({ spec }: Lease): FieldError[] {
  const errors: Errors = [];
  const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = spec;
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(fieldError.invalid(SPEC.child("leaseDurationSeconds"), leaseDurationSeconds, "must be greater than 0"));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.push(fieldError.invalid(SPEC.child("leaseTransitions"), leaseTransitions, "must be greater than or equal to 0"));
  }
  if (strategy !== undefined) checkStrategy(errors, strategy);
  if (preferredHolder && !strategy) errors.push(fieldError.forbidden(SPEC.child("preferredHolder"), "may only be specified if `strategy` is defined"));
  return errors;
}

function checkStrategy(errors: Errors, strategy: string): void {
  const path = SPEC.child("strategy", "strategy");
  if (strategy.includes("/")) checkQualifiedName(errors, strategy, path);
  else if (!STRATEGIES.includes(strategy)) errors.push(fieldError.notSupported(path, strategy, STRATEGIES));
}
