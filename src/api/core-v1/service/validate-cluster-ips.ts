import type { Service } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { canonicalIP, validateIPForLegacyField } from "#apimachinery/validation/ip.ts";

import { checkAllowed, type Errors } from "../pod-spec/checks.ts";
import { isHeadless } from "./service-type.ts";

type AnyService = Service | Mutable<Service>;

const SPEC = new FieldPath("spec");
const IPS = SPEC.child("clusterIPs");
const FAMILIES = SPEC.child("ipFamilies");
const POLICY = SPEC.child("ipFamilyPolicy");
const CHANGED = "may not change once set";

const isIPv6 = (ip: string): boolean => canonicalIP(ip)?.includes(":") === true;

/** The fields that say which addresses a service has. Allocation asks this before it gives any. */
export function validateClusterIps(errors: Errors, { spec }: AnyService, old: Service | undefined): void {
  if (spec.type === "ExternalName") return;
  const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  if (clusterIP !== "" && clusterIPs.length === 0) errors.push(fieldError.required(IPS));
  else if (clusterIP !== "" && clusterIPs[0] !== clusterIP) errors.push(fieldError.invalid(IPS, clusterIPs, "first value must match `clusterIP`"));
  else if (clusterIP === "" && clusterIPs.length > 0) errors.push(fieldError.invalid(IPS, clusterIPs, "must be empty when `clusterIP` is not specified"));
  for (const [i, family] of ipFamilies.entries()) {
    checkAllowed(errors, family, ["IPv4", "IPv6"], FAMILIES.index(i));
    if (ipFamilies.indexOf(family) < i) errors.push(fieldError.duplicate(FAMILIES.index(i), family));
  }
  if (ipFamilyPolicy !== undefined) checkAllowed(errors, ipFamilyPolicy, ["PreferDualStack", "RequireDualStack", "SingleStack"], POLICY);
  const isMalformed = !checkAddresses(errors, clusterIPs, old?.spec.clusterIPs);
  if (clusterIPs.length > 2) errors.push(fieldError.invalid(IPS, clusterIPs, "may only hold up to 2 values"));
  if (isMalformed) return;
  if (clusterIPs.length > 1 && clusterIPs.every(isIPv6) === clusterIPs.some(isIPv6)) {
    errors.push(fieldError.invalid(IPS, clusterIPs, "may specify no more than one IP for each IP family"));
  }
  if (!isHeadless(spec)) checkFamiliesFit(errors, clusterIPs, ipFamilies);
}

/** @returns whether each is an address, or stood there before */
function checkAddresses(errors: Errors, ips: readonly string[], old: readonly string[] | undefined): boolean {
  let allValid = true;
  for (const [i, ip] of ips.entries()) {
    const isNone = i === 0 && ip === "None";
    if (isNone && ips.length === 1) continue;
    const found = isNone ? [fieldError.invalid(IPS, ips, "'None' must be the first and only value")] : validateIPForLegacyField(ip, IPS.index(i), old);
    errors.push(...found);
    allValid &&= found.length === 0;
  }
  return allValid;
}

function checkFamiliesFit(errors: Errors, ips: readonly string[], families: readonly string[]): void {
  for (const [i, ip] of ips.entries()) {
    const family = families[i];
    if (family === undefined || family === (isIPv6(ip) ? "IPv6" : "IPv4") || !family.startsWith("IPv")) continue;
    errors.push(fieldError.invalid(IPS.index(i), ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
  }
}

/** The first address stays; a second may come, and go again when the policy says so. */
export function checkIpsKept(errors: Errors, { spec }: Service, { spec: old }: Service): void {
  if (spec.type === "ExternalName" || old.type === "ExternalName" || (isHeadless(spec) && isHeadless(old))) return;
  const [now, before] = [spec.clusterIPs ?? [], old.clusterIPs ?? []];
  if (now.length === before.length) {
    for (const [i, ip] of before.entries()) if (ip !== now[i]) errors.push(fieldError.invalid(IPS.index(i), now, CHANGED));
    return;
  }
  const isReduced = now.length < before.length;
  if (isReduced && now.length === 0) errors.push(fieldError.invalid(IPS.index(0), spec.clusterIPs, "primary clusterIP can not be unset"));
  if (before.length > 0 && now.length > 0 && now[0] !== before[0]) errors.push(fieldError.invalid(IPS.index(0), now, CHANGED));
  if (isReduced && now.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    errors.push(fieldError.invalid(POLICY, spec.ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary clusterIP"));
  }
}

export function checkFamiliesKept(errors: Errors, { spec }: Service, { spec: old }: Service): void {
  if (spec.type === "ExternalName" || old.type === "ExternalName" || isHeadless(spec) || isHeadless(old)) return;
  const [now, before] = [spec.ipFamilies ?? [], old.ipFamilies ?? []];
  const first = FAMILIES.index(0);
  if (now.length === before.length) {
    for (const [i, family] of before.entries()) if (family !== now[i]) errors.push(fieldError.invalid(first, now, CHANGED));
    return;
  }
  const isReduced = now.length < before.length;
  if (isReduced && !spec.clusterIPs?.length) errors.push(fieldError.invalid(first, spec.ipFamilies, "primary ipFamily can not be unset"));
  if (before.length > 0 && now.length > 0 && now[0] !== before[0]) errors.push(fieldError.invalid(first, spec.clusterIPs, CHANGED));
  if (isReduced && now.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    errors.push(fieldError.invalid(POLICY, spec.ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary ipFamily"));
  }
}
