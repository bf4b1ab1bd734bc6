import type { Node, NodeSelectorRequirement, NodeSelectorTerm } from "#api/core-v1/types.ts";

/**
 * Whether a node matches one of the terms. A term with neither expressions nor fields matches nothing.
 *
 * @see k8s.io/component-helpers scheduling/corev1/nodeaffinity
 */
export function matchesAnyTerm(terms: readonly NodeSelectorTerm[], node: Node): boolean {
  return terms.some((term) => matchesTerm(term, node));
}

export function matchesTerm({ matchExpressions, matchFields }: NodeSelectorTerm, node: Node): boolean {
  if (!matchExpressions?.length && !matchFields?.length) return false;
  const labels = node.metadata.labels ?? {};
  const fields: Readonly<Record<string, string>> = { "metadata.name": node.metadata.name };
  return (matchExpressions ?? []).every((r) => matchesRequirement(r, labels)) && (matchFields ?? []).every((r) => matchesRequirement(r, fields));
}

function matchesRequirement({ key, operator, values = [] }: NodeSelectorRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt":
      return value !== undefined && comparesTo(operator, value, values[0]);
    default:
      return false;
  }
}

function comparesTo(operator: "Gt" | "Lt", value: string, limit: string | undefined): boolean {
  if (!isInteger(value) || limit === undefined || !isInteger(limit)) return false;
  return operator === "Gt" ? Number(value) > Number(limit) : Number(value) < Number(limit);
}

const isInteger = (text: string) => /^[+-]?\d+$/.test(text);
