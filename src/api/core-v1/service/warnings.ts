import type { Service } from "#api/core-v1/types.ts";
import { FieldPath } from "#apimachinery/field-error.ts";
import { cidrWarnings } from "#apimachinery/validation/cidr.ts";
import { ipWarnings } from "#apimachinery/validation/ip.ts";

const SPEC = new FieldPath("spec");
const HINTS = "service.kubernetes.io/topology-aware-hints";
const MODE = "service.kubernetes.io/topology-mode";

/** @see kubernetes pkg/api/service/warnings.go */
export function serviceWarnings({ metadata, spec }: Service): string[] {
  const warnings: string[] = [];
  const { type, clusterIP = "", clusterIPs = [], externalIPs = [], loadBalancerIP = "", loadBalancerSourceRanges = [] } = spec;
  if (metadata.annotations?.[HINTS] !== undefined) warnings.push(`annotation ${HINTS} is deprecated, please use ${MODE} instead`);
  if (clusterIP !== "" && clusterIP !== "None") for (const [i, ip] of clusterIPs.entries()) warnings.push(...ipWarnings(ip, SPEC.child("clusterIPs").index(i)));
  if (type === "ClusterIP" && clusterIP === "None") {
    if (loadBalancerIP !== "") warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (externalIPs.length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (spec.sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  for (const [i, ip] of externalIPs.entries()) warnings.push(...ipWarnings(ip, SPEC.child("externalIPs").index(i)));
  if (loadBalancerIP !== "") warnings.push(...ipWarnings(loadBalancerIP, SPEC.child("loadBalancerIP")));
  for (const [i, range] of loadBalancerSourceRanges.entries()) warnings.push(...cidrWarnings(range, SPEC.child("loadBalancerSourceRanges").index(i)));
  if (type === "ExternalName" && externalIPs.length > 0) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (type !== "ExternalName" && spec.externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === "PreferClose") warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}

export function serviceStatusWarnings({ status }: Service): string[] {
  const path = new FieldPath("status.loadBalancer.ingress");
  return (status.loadBalancer.ingress ?? []).flatMap(({ ip }, i) => (ip ? ipWarnings(ip, path.index(i)) : []));
}
