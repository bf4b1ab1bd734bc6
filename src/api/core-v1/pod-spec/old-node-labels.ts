import { getOwn } from "#apimachinery/decode/own.ts";
import type { FieldPath } from "#apimachinery/field-error.ts";
import type { LabelSelector } from "#apimachinery/meta-v1/types.ts";

/** Labels of nodes with better names by now. */
const OLD_NODE_LABELS: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

/** What is to be said of a node's label that has a better name by now. @see kubernetes pkg/api/node/util.go */
export const oldNodeLabel = (key: string): string | undefined => getOwn(OLD_NODE_LABELS, key);

/** The same of the labels in a selector of nodes. */
export function oldLabelsInSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector, path: FieldPath): string[] {
  const expressions = matchExpressions.flatMap(({ key = "" }, i) => {
    const text = oldNodeLabel(key);
    return text === undefined ? [] : [`${path.child("matchExpressions").index(i).child("key")}: ${key} is ${text}`];
  });
  const labels = Object.keys(matchLabels).sort();
  return [...expressions, ...labels.flatMap((key) => (oldNodeLabel(key) === undefined ? [] : [`${path.child("matchLabels", key)}: ${oldNodeLabel(key)}`]))];
}
