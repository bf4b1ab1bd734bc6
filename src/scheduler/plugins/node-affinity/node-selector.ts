import type { Node, NodeSelectorRequirement, NodeSelectorTerm } from "#api/core-v1/types.ts";
import { type LabelOperator, meets } from "#apimachinery/label-selector.ts";

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

const OPERATORS: Readonly<Record<string, LabelOperator>> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!", Gt: "gt", Lt: "lt" };

function matchesRequirement({ key, operator, values = [] }: NodeSelectorRequirement, labels: Readonly<Record<string, string>>): boolean {
  const known = OPERATORS[operator];
  return known !== undefined && meets({ key, operator: known, values }, labels);
}
