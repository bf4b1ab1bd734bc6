import type { PodSpec } from "#api/core-v1/types.ts";
import { baselineChecks } from "#apiserver/admission/pod-security/baseline.ts";
import { restrictedChecks } from "#apiserver/admission/pod-security/restricted.ts";

export type Level = "privileged" | "baseline" | "restricted";

/** A level as of a release: its minor version, `latest` when it follows the server. */
export interface Policy {
  readonly level: Level;
  readonly version: "latest" | `v1.${number}`;
}

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** One rule of the Pod Security Standards: gives the detail of what is wrong, `undefined` for nothing. */
export interface Check {
  readonly id: string;
  readonly reason: string;
  /** The first minor release that has the rule. */
  readonly since: number;
  /** Rules that this one makes needless. */
  readonly replaces?: string;
  readonly find: (spec: PodSpec, minor: number) => string | undefined;
}

const LATEST_MINOR = 35;

/** What a pod does that a policy forbids, in the order of the rules. */
export function violations(spec: PodSpec, { level, version }: Policy): Violation[] {
  const minor = version === "latest" ? LATEST_MINOR : Math.min(Number(version.slice("v1.".length)), LATEST_MINOR);
  return checksOf(level, minor).flatMap(({ reason, find }) => {
    const detail = find(spec, minor);
    return detail === undefined ? [] : [{ reason, detail }];
  });
}

function checksOf(level: Level, minor: number): readonly Check[] {
  if (level === "privileged") return [];
  const inForce = (check: Check) => check.since <= minor;
  const baseline = baselineChecks.filter(inForce);
  if (level === "baseline") return baseline;
  const restricted = restrictedChecks.filter(inForce);
  const replaced = new Set(restricted.map(({ replaces }) => replaces));
  return [...baseline.filter(({ id }) => !replaced.has(id)), ...restricted];
}

export const describe = (found: readonly Violation[]): string =>
  found.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");

const STRICTNESS: readonly Level[] = ["privileged", "baseline", "restricted"];

export const isStricter = (a: Level, b: Level): boolean => STRICTNESS.indexOf(a) > STRICTNESS.indexOf(b);
