import { isDeepStrictEqual } from "node:util";

import type { PodCondition, PodStatus } from "#api/core-v1/types.ts";

type Patch = Record<string, unknown>;

/** Fields of the status that the kubelet writes. */
const OWNED: readonly (keyof PodStatus)[] = [
  "observedGeneration",
  "phase",
  "message",
  "reason",
  "hostIP",
  "podIP",
  "startTime",
  "initContainerStatuses",
  "containerStatuses",
  "ephemeralContainerStatuses",
  "qosClass",
];

/**
 * A strategic merge patch from `before` to `after` that touches the kubelet's own fields and conditions only.
 *
 * @returns `undefined` when nothing changes
 */
export function statusPatch(before: PodStatus | undefined, after: PodStatus, owned: readonly string[]): Patch | undefined {
  const patch: Patch = {};
  for (const field of OWNED) {
    const value = normal(after[field]);
    if (!isDeepStrictEqual(normal(before?.[field]), value)) patch[field] = value ?? null;
  }
  const conditions = changedConditions(before?.conditions ?? [], after.conditions ?? [], owned);
  if (conditions.length > 0) patch["conditions"] = conditions;
  for (const field of ["hostIPs", "podIPs"] as const) {
    const entries = changedIps(before?.[field] ?? [], after[field] ?? []);
    if (entries.length > 0) patch[field] = entries;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

function changedConditions(before: readonly PodCondition[], after: readonly PodCondition[], owned: readonly string[]): readonly PodCondition[] {
  return after.flatMap((condition) => {
    if (!owned.includes(condition.type)) return [];
    const old = before.find(({ type }) => type === condition.type);
    if (old === undefined) return [condition];
    if (isDeepStrictEqual(comparable(old), comparable(condition))) return [];
    const removed = (["reason", "message"] as const).filter((field) => old[field] !== undefined && condition[field] === undefined);
    return [{ ...condition, ...Object.fromEntries(removed.map((field) => [field, null])) }];
  });
}

const comparable = ({ type, status, reason = "", message = "", observedGeneration }: PodCondition) => ({ type, status, reason, message, observedGeneration });

/** Lists of addresses merge by `ip`: old ones must be named to go. */
function changedIps(before: readonly { readonly ip: string }[], after: readonly { readonly ip: string }[]): readonly object[] {
  const has = (list: readonly { readonly ip: string }[], ip: string) => list.some((entry) => entry.ip === ip);
  const gone = before.filter(({ ip }) => !has(after, ip)).map(({ ip }) => ({ $patch: "delete", ip }));
  const come = after.filter(({ ip }) => !has(before, ip));
  return [...come, ...gone];
}

/** Without what JSON does not carry, so that what came from the API compares equal to what was computed. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, part]) => (part === undefined || part === null ? [] : [[key, normal(part)]])));
}
