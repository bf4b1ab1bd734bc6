import type { Ingress, IngressClass, NetworkPolicy } from "#api/networking-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyIngressClassDefaults, applyNetworkPolicyDefaults } from "./defaults.ts";
import { CLASS_ANNOTATION, ingressStatusWarnings, validateIngress, validateIngressStatus, validateIngressUpdate } from "./validate-ingress.ts";
import { validateIngressClass, validateIngressClassUpdate } from "./validate-ingress-class.ts";
import { networkPolicyWarnings, validateNetworkPolicy } from "./validate-network-policy.ts";

/** @see kubernetes pkg/registry/networking */
export const networkPolicyStrategy: Strategy<NetworkPolicy> = {
  hasGeneration: true,
  emptyIsChange: true,
  applyDefaults: applyNetworkPolicyDefaults,
  validateCreate: (policy) => validateNetworkPolicy(policy),
  validateUpdate: validateNetworkPolicy,
  warningsOnCreate: networkPolicyWarnings,
  warningsOnUpdate: networkPolicyWarnings,
};

export const ingressClassStrategy: Strategy<IngressClass> = {
  hasGeneration: true,
  applyDefaults: applyIngressClassDefaults,
  validateCreate: validateIngressClass,
  validateUpdate: validateIngressClassUpdate,
};

export const ingressStrategy: Strategy<Ingress> = {
  hasGeneration: true,
  validateCreate: validateIngress,
  validateUpdate: validateIngressUpdate,
  warningsOnCreate: ({ metadata, spec }) => {
    if (metadata.annotations?.[CLASS_ANNOTATION] === undefined || spec.ingressClassName !== undefined) return [];
    return [`annotation ${JSON.stringify(CLASS_ANNOTATION)} is deprecated, please use 'spec.ingressClassName' instead`];
  },
  subresources: { status: { validateUpdate: validateIngressStatus, warningsOnUpdate: ingressStatusWarnings } },
};
