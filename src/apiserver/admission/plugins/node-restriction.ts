import { isDeepStrictEqual } from "node:util";

import { PODS } from "#api/builtin.ts";
import type { Node, Pod } from "#api/core-v1/types.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import { checkToken } from "#apiserver/admission/plugins/node-tokens.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";

const USER_PREFIX = "system:node:";
const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";
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

/** A kubelet changes its own node, its lease, and the pods that run on it, and nothing else. */
export function nodeRestriction(reader: ObjectReader, authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "NodeRestriction",
    handles: ({ operation }) => operation !== "CONNECT",
    admit(attributes) {
      const { user, resource } = attributes;
      if (!user.groups.includes("system:nodes") || !user.name.startsWith(USER_PREFIX)) return;
      const node = user.name.slice(USER_PREFIX.length);
      if (resource.group === "" && resource.plural === "pods") checkPod(attributes, node, reader);
      else if (resource.group === "" && resource.plural === "nodes") checkNode(attributes, node);
      else if (resource.group === "" && resource.plural === "serviceaccounts") checkToken(attributes, node, { reader, authorizer });
      else if (resource.group === "coordination.k8s.io" && resource.plural === "leases") checkLease(attributes, node);
      else if (resource.group === "storage.k8s.io" && resource.plural === "csinodes") checkCsiNode(attributes, node);
    },
  };
}

function checkPod(attributes: AdmissionAttributes, node: string, reader: ObjectReader): void {
  const { operation, subresource, namespace, name } = attributes;
  const quoted = JSON.stringify(node);
  if (subresource === "eviction") {
    const pod = reader.lookup(PODS, namespace, name);
    if (pod !== undefined && pod.spec.nodeName !== node) throw forbidden(attributes, `node ${node} can only evict pods with spec.nodeName set to itself`);
    return;
  }
  if (subresource === "status") return checkPodStatus(attributes, node);
  if (subresource !== "") throw forbidden(attributes, `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`);
  if (operation === "CREATE") return checkMirrorPod(attributes, node);
  if (operation !== "DELETE")
    throw forbidden(attributes, `unexpected operation ${JSON.stringify(operation)}, node ${quoted} can only create and delete mirror pods`);
  const pod = (attributes.oldObject as Pod | undefined) ?? reader.lookup(PODS, namespace, name);
  if (pod !== undefined && pod.spec.nodeName !== node) throw forbidden(attributes, `node ${quoted} can only delete pods with spec.nodeName set to itself`);
}

function checkMirrorPod(attributes: AdmissionAttributes, node: string): void {
  const { metadata, spec } = attributes.object as Pod;
  const quoted = JSON.stringify(node);
  if (metadata.annotations?.[MIRROR_ANNOTATION] === undefined) {
    throw forbidden(attributes, `pod does not have ${JSON.stringify(MIRROR_ANNOTATION)} annotation, node ${quoted} can only create mirror pods`);
  }
  if (spec.nodeName !== node) throw forbidden(attributes, `node ${quoted} can only create pods with spec.nodeName set to itself`);
  const owners = metadata.ownerReferences ?? [];
  if (owners.length > 1) throw forbidden(attributes, `node ${quoted} can only create pods with a single owner reference set to itself`);
  const [owner] = owners;
  if (owner === undefined || owner.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node) {
    throw forbidden(attributes, `node ${quoted} can only create pods with an owner reference set to itself`);
  }
}

function checkPodStatus(attributes: AdmissionAttributes, node: string): void {
  const old = attributes.oldObject as Pod | undefined;
  const quoted = JSON.stringify(node);
  if (old?.spec.nodeName !== node) throw forbidden(attributes, `node ${quoted} can only update pod status for pods with spec.nodeName set to itself`);
  const labels = { ...attributes.object?.metadata.labels };
  if (!isDeepStrictEqual(labels, { ...old.metadata.labels })) throw forbidden(attributes, `node ${quoted} cannot update labels through pod status`);
}

function checkNode(attributes: AdmissionAttributes, node: string): void {
  const { operation, name, object, oldObject } = attributes;
  const asked = operation === "CREATE" ? (object?.metadata.name ?? name) : name;
  const quoted = JSON.stringify(node);
  if (asked !== node) throw forbidden(attributes, `node ${quoted} is not allowed to modify node ${JSON.stringify(asked)}`);
  const before = oldObject?.metadata.labels ?? {};
  const after = object?.metadata.labels ?? {};
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key] && isForbiddenLabel(key)).sort();
  if (operation === "CREATE" && changed.length > 0)
    throw forbidden(attributes, `node ${quoted} is not allowed to set the following labels: ${changed.join(", ")}`);
  if (operation !== "UPDATE") return;
  const taints = (each: unknown) => JSON.parse(JSON.stringify((each as Node).spec?.taints ?? [])) as unknown;
  if (!isDeepStrictEqual(taints(object), taints(oldObject))) throw forbidden(attributes, `node ${quoted} is not allowed to modify taints`);
  if (changed.length > 0) throw forbidden(attributes, `is not allowed to modify labels: ${changed.join(", ")}`);
}

function checkLease(attributes: AdmissionAttributes, node: string): void {
  const { operation, namespace, name, object } = attributes;
  if (namespace !== "kube-node-lease") throw forbidden(attributes, `can only access leases in the "kube-node-lease" system namespace`);
  const asked = operation === "CREATE" ? (object?.metadata.name ?? name) : name;
  if (asked !== node) throw forbidden(attributes, "can only access node lease with the same name as the requesting node");
}

function isForbiddenLabel(key: string): boolean {
  if (RESTRICTED_LABEL.test(key)) return true;
  return KUBERNETES_LABEL.test(key) && !KUBELET_LABELS.has(key) && !KUBELET_LABEL_NAMESPACE.test(key);
}

function checkCsiNode(attributes: AdmissionAttributes, node: string): void {
  const { operation, name, object } = attributes;
  const asked = operation === "CREATE" ? (object?.metadata.name ?? name) : name;
  if (asked !== node) throw forbidden(attributes, "can only access CSINode with the same name as the requesting node");
}
