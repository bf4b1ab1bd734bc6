import type { IngressClass, NetworkPolicy } from "#api/networking-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyIngressClassDefaults, applyNetworkPolicyDefaults } from "./defaults.ts";
import { networkPolicyWarnings, validateNetworkPolicy } from "./validate-network-policy.ts";

/** @see kubernetes pkg/registry/networking */
export const networkPolicyStrategy: Strategy<NetworkPolicy> = {
  hasGeneration: true,
  applyDefaults: applyNetworkPolicyDefaults,
  validateCreate: (policy) => validateNetworkPolicy(policy),
  validateUpdate: validateNetworkPolicy,
  warningsOnCreate: networkPolicyWarnings,
  warningsOnUpdate: networkPolicyWarnings,
};

export const ingressClassStrategy: Strategy<IngressClass> = { hasGeneration: true, applyDefaults: applyIngressClassDefaults };
