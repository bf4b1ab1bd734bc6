import { isDeepStrictEqual } from "node:util";

import { validateClusterIps } from "#api/core-v1/service/validate-cluster-ips.ts";
import type { Service } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { FieldPath, fieldError, type FieldError } from "#apimachinery/field-error.ts";
import { familyOf, type IpFamily } from "#apiserver/allocators/cluster-ips.ts";
import { carryOverNodePorts } from "#apiserver/allocators/service-ports.ts";

type Target = Mutable<Service>;

export const isHeadless = ({ spec }: Service | Target) => spec?.clusterIPs?.[0] === "None" || spec?.clusterIP === "None";

const isExternal = ({ spec }: Service | Target) => spec?.type === "ExternalName";

/** An update may leave out what a create was given. */
export function carryOver({ spec }: Target, old: Service): void {
  const before = old.spec;
  if (spec === undefined || before === undefined) return;
  if (spec.type !== "ExternalName" && before.type !== "ExternalName") {
    if (!spec.clusterIP && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP;
    if (!spec.clusterIPs?.length && before.clusterIPs?.length) spec.clusterIPs = [...before.clusterIPs];
  }
  if (usesNodePorts(spec) && usesNodePorts(before)) carryOverNodePorts(spec.ports ?? [], before.ports ?? []);
  if (usesHealthCheck(spec) && usesHealthCheck(before) && !spec.healthCheckNodePort && before.healthCheckNodePort !== undefined) {
    spec.healthCheckNodePort = before.healthCheckNodePort;
  }
}

type Spec = NonNullable<Service["spec"]> | NonNullable<Target["spec"]>;
const usesNodePorts = (spec: Spec) => spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
const usesHealthCheck = (spec: Spec) => spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";

/** Keeps `clusterIP` and `clusterIPs` in step for clients that know only the older one. */
export function normalizeClusterIps({ spec }: Target, old: Service | undefined): void {
  if (spec === undefined) return;
  const one = spec.clusterIP ?? "";
  if (old === undefined) {
    if (one !== "" && !spec.clusterIPs?.length) spec.clusterIPs = [one];
    return;
  }
  const before = old.spec?.clusterIP ?? "";
  const sameList = isDeepStrictEqual([...(spec.clusterIPs ?? [])], [...(old.spec?.clusterIPs ?? [])]);
  if (old.spec?.clusterIPs?.length && !spec.clusterIPs?.length && before === one && one !== "") spec.clusterIPs = [...old.spec.clusterIPs];
  if (before === one || !sameList) return;
  if (one === "") delete spec.clusterIPs;
  else spec.clusterIPs = [one];
}

/**
 * Fills in the IP families and their policy of a service on a cluster with one family.
 *
 * @returns what this cluster cannot give
 */
export function initFamilies(service: Target, old: Service | undefined, family: IpFamily): FieldError[] {
  const { spec } = service;
  if (spec === undefined || isExternal(service)) return [];
  const selectorless = isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.spec?.ipFamilyPolicy ?? (selectorless ? "RequireDualStack" : "SingleStack");
  const malformed: FieldError[] = [];
  validateClusterIps(malformed, service, old);
  if (malformed.length > 0) return malformed;
  if (old !== undefined && spec.ipFamilyPolicy === "SingleStack") dropSecondary(spec, old);
  const errors = [...(old === undefined ? [] : reductions(spec, old)), ...surplus(spec), ...deriveFamilies(spec, family)];
  if (errors.length > 0) return errors;
  if (selectorless) {
    completePair(spec, family);
    return [];
  }
  const path = new FieldPath("spec");
  if (spec.ipFamilyPolicy === "RequireDualStack") {
    errors.push(fieldError.invalid(path.child("ipFamilyPolicy"), spec.ipFamilyPolicy, "this cluster is not configured for dual-stack services"));
  }
  for (const [i, each] of (spec.ipFamilies ?? []).entries()) {
    if (each !== family) errors.push(fieldError.invalid(path.child("ipFamilies").index(i), each, "not configured on this cluster"));
  }
  if (errors.length === 0 && !spec.ipFamilies?.length) spec.ipFamilies = [family];
  return errors;
}

type TargetSpec = NonNullable<Target["spec"]>;

function dropSecondary(spec: TargetSpec, old: Service): void {
  if (spec.clusterIPs !== undefined && spec.clusterIPs.length > 1 && isDeepStrictEqual([...spec.clusterIPs], [...(old.spec?.clusterIPs ?? [])])) {
    spec.clusterIPs = spec.clusterIPs.slice(0, 1);
  }
  if (spec.ipFamilies !== undefined && spec.ipFamilies.length > 1 && isDeepStrictEqual([...spec.ipFamilies], [...(old.spec?.ipFamilies ?? [])])) {
    spec.ipFamilies = spec.ipFamilies.slice(0, 1);
  }
}

function reductions({ clusterIPs = [], ipFamilies = [], ipFamilyPolicy }: TargetSpec, old: Service): FieldError[] {
  if (ipFamilyPolicy === "SingleStack") return [];
  const reduced = (now: readonly unknown[], before: readonly unknown[] = []) => now.length > 0 && now.length < before.length;
  const told = (what: string) =>
    fieldError.invalid(new FieldPath("spec.ipFamilyPolicy"), ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`);
  return [
    ...(reduced(clusterIPs, old.spec?.clusterIPs) ? [told("cluster IP")] : []),
    ...(reduced(ipFamilies, old.spec?.ipFamilies) ? [told("IP family")] : []),
  ];
}

function surplus({ clusterIPs = [], ipFamilies = [], ipFamilyPolicy }: TargetSpec): FieldError[] {
  if (ipFamilyPolicy !== "SingleStack") return [];
  const told = (what: string) =>
    fieldError.invalid(
      new FieldPath("spec.ipFamilyPolicy"),
      ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [...(clusterIPs.length === 2 ? [told("cluster IPs")] : []), ...(ipFamilies.length === 2 ? [told("IP families")] : [])];
}

/** Asked addresses say their families. */
function deriveFamilies(spec: TargetSpec, family: IpFamily): FieldError[] {
  const { clusterIPs = [] } = spec;
  const errors: FieldError[] = [];
  if (clusterIPs[0] === "None") return errors;
  for (const [i, ip] of clusterIPs.entries()) {
    if (i < (spec.ipFamilies?.length ?? 0)) continue;
    const own = familyOf(ip)!;
    if (own === family) spec.ipFamilies = [...(spec.ipFamilies ?? []), own];
    else errors.push(fieldError.invalid(new FieldPath("spec.clusterIPs").index(i), clusterIPs, `${own} is not configured on this cluster`));
  }
  return errors;
}

/** A headless service without a selector may be given endpoints of either family, whatever the cluster has. */
function completePair(spec: TargetSpec, family: IpFamily): void {
  if (!spec.ipFamilies?.length) spec.ipFamilies = [family];
  if (spec.ipFamilies.length < 2 && spec.ipFamilyPolicy !== "SingleStack")
    spec.ipFamilies = [...spec.ipFamilies, spec.ipFamilies[0] === "IPv4" ? "IPv6" : "IPv4"];
}
