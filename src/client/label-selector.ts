import type { LabelSelector, LabelSelectorRequirement } from "#apimachinery/meta-v1/types.ts";

type Labels = Readonly<Record<string, string>> | undefined;

/** Whether labels are as `selector` asks; an empty selector takes all, an absent one nothing. */
export function selects(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  return selectsAll(selector.matchLabels ?? {}, labels) && (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels));
}

/** Whether `labels` has every pair of `wanted`. */
export function selectsAll(wanted: Readonly<Record<string, string>>, labels: Labels = {}): boolean {
  for (const key in wanted) if (labels[key] !== wanted[key]) return false;
  return true;
}

export function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** The query form: `app=web,tier in (a,b),!gone`. */
export function formatSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...equal, ...matchExpressions.map(formatRequirement)].join(",");
}

function meets({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels = {}): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}

function formatRequirement({ key, operator, values = [] }: LabelSelectorRequirement): string {
  if (operator === "Exists") return key;
  if (operator === "DoesNotExist") return `!${key}`;
  return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
}
