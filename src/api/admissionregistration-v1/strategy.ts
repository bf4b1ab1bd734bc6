import type * as admission from "#api/admissionregistration-v1/types.ts";
import { resetMetadata } from "#api/reset-metadata.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyMutatingWebhookDefaults, applyPolicyBindingDefaults, applyPolicyDefaults, applyValidatingWebhookDefaults } from "./defaults.ts";
import { validateBinding } from "./validate-binding.ts";
import { validatePolicy, validatePolicyStatus, validatePolicyUpdate } from "./validate-policy.ts";
import { validateWebhooks } from "./validate-webhooks.ts";

/** @see kubernetes pkg/registry/admissionregistration */
export const validatingWebhookStrategy: Strategy<admission.ValidatingWebhookConfiguration> = {
  emptyIsChange: true,
  applyDefaults: applyValidatingWebhookDefaults,
  validateCreate: ({ webhooks }) => validateWebhooks(webhooks),
  validateUpdate: ({ webhooks }, old) => validateWebhooks(webhooks, old.webhooks),
};

export const mutatingWebhookStrategy: Strategy<admission.MutatingWebhookConfiguration> = {
  emptyIsChange: true,
  applyDefaults: applyMutatingWebhookDefaults,
  validateCreate: ({ webhooks }) => validateWebhooks(webhooks),
  validateUpdate: ({ webhooks }, old) => validateWebhooks(webhooks, old.webhooks),
};

export const validatingPolicyStrategy: Strategy<admission.ValidatingAdmissionPolicy> = {
  applyDefaults: applyPolicyDefaults,
  validateCreate: validatePolicy,
  validateUpdate: validatePolicyUpdate,
  subresources: { status: { prepareForUpdate: resetMetadata, validateUpdate: validatePolicyStatus } },
};

export const validatingPolicyBindingStrategy: Strategy<admission.ValidatingAdmissionPolicyBinding> = {
  applyDefaults: applyPolicyBindingDefaults,
  validateCreate: validateBinding,
  validateUpdate: validateBinding,
};
