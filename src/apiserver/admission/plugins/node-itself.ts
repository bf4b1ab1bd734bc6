import type { Node } from "#api/core-v1/types.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import { sameJson } from "#lib/same-json.ts";

const RESTRICTED_LABEL = /^([^/]*\.)?node-restriction\.kubernetes\.io\//;
const KUBERNETES_LABEL = /^([^/]*\.)?(kubernetes|k8s)\.io\//;
/** Of those, what a kubelet may say of its machine. */
const KUBELET_LABEL_NAMESPACE = /^([^/]*\.)?(kubelet|node)\.kubernetes\.io\//;
const KUBELET_LABELS = new Set([
  "kubernetes.io/hostname",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
]);

/** What a kubelet may write of its own node: nothing by which workloads that others guard would come to it. */
export function checkNode(attributes: AdmissionAttributes, node: string): void {
  const { operation, name, object } = attributes;
  const asked = operation === "CREATE" ? (object?.metadata.name ?? name) : name;
  if (asked !== node) throw forbidden(attributes, `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(asked)}`);
  if (operation === "CREATE") checkNewNode(attributes, node);
  else if (operation === "UPDATE") checkNodeChange(attributes, node);
}

function checkNewNode(attributes: AdmissionAttributes, node: string): void {
  const { metadata, spec } = attributes.object as Node;
  // The words are upstream's.
  if (spec?.configSource) throw forbidden(attributes, `node ${JSON.stringify(node)} is not allowed to create pods with a non-nil configSource`);
  const labels = forbiddenChanges({}, metadata.labels);
  if (labels !== "") throw forbidden(attributes, `node ${JSON.stringify(node)} is not allowed to set the following labels: ${labels}`);
}

function checkNodeChange(attributes: AdmissionAttributes, node: string): void {
  const [next, old] = [attributes.object as Node, attributes.oldObject as Node];
  const refuse = (what: string) => forbidden(attributes, `node ${JSON.stringify(node)} is not allowed to ${what}`);
  const source = next.spec?.configSource;
  if (source && !sameJson(source, old.spec?.configSource)) throw refuse("update configSource to a new non-nil configSource");
  if (!sameJson(next.spec?.taints ?? [], old.spec?.taints ?? [])) throw refuse("modify taints");
  if (!sameJson(next.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? [])) throw refuse("modify ownerReferences");
  const labels = forbiddenChanges(old.metadata.labels, next.metadata.labels);
  if (labels !== "") throw forbidden(attributes, `is not allowed to modify labels: ${labels}`);
}

type Labels = Readonly<Record<string, string | undefined>>;

function forbiddenChanges(before: Labels = {}, after: Labels = {}): string {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys]
    .filter((key) => before[key] !== after[key] && isForbiddenLabel(key))
    .sort()
    .join(", ");
}

function isForbiddenLabel(key: string): boolean {
  if (RESTRICTED_LABEL.test(key)) return true;
  return KUBERNETES_LABEL.test(key) && !KUBELET_LABELS.has(key) && !KUBELET_LABEL_NAMESPACE.test(key);
}
