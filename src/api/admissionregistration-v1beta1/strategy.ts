import { applyMatchDefaults } from "#api/admissionregistration-v1/defaults.ts";
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from "#api/admissionregistration-v1beta1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { validateMutatingBinding, validateMutatingPolicy, validateMutatingPolicyUpdate } from "./validate.ts";

/** @see kubernetes pkg/registry/admissionregistration/mutatingadmissionpolicy/strategy.go */
export const mutatingPolicyStrategy: Strategy<MutatingAdmissionPolicy> = {
  applyDefaults({ spec }) {
    if (!spec) return;
    spec.failurePolicy ??= "Fail";
    if (spec.matchConstraints) applyMatchDefaults(spec.matchConstraints);
  },
  validateCreate: validateMutatingPolicy,
  validateUpdate: validateMutatingPolicyUpdate,
};

export const mutatingPolicyBindingStrategy: Strategy<MutatingAdmissionPolicyBinding> = {
  applyDefaults({ spec }) {
    if (spec?.matchResources) applyMatchDefaults(spec.matchResources);
  },
  validateCreate: validateMutatingBinding,
  validateUpdate: validateMutatingBinding,
};
