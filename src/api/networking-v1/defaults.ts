import type { IngressClass, NetworkPolicy } from "#api/networking-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

/** A policy that does not say what it is about is about what comes in, and about what goes out when it has rules for that. */
export function applyNetworkPolicyDefaults({ spec }: Mutable<NetworkPolicy>): void {
  if (!spec) return;
  for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports ?? []) port.protocol ??= "TCP";
  if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ["Ingress", "Egress"] : ["Ingress"];
}

export function applyIngressClassDefaults({ spec }: Mutable<IngressClass>): void {
  if (spec?.parameters) spec.parameters.scope ??= "Cluster";
}
