import { NODES, PODS } from "#api/builtin.ts";
import type { Pod, Volume } from "#api/core-v1/types.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import { podSecretNames } from "#apiserver/admission/plugins/pod-secrets.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { sameJson } from "#lib/same-json.ts";

const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/** What a kubelet may do with pods: mirror what it runs by itself; tell of, evict and delete what runs on it. */
export function checkNodePod(attributes: AdmissionAttributes, node: string, reader: ObjectReader): void {
  const { operation, subresource } = attributes;
  if (subresource === "eviction") return checkEviction(attributes, node, reader);
  if (subresource === "status") return checkStatus(attributes, node);
  if (subresource !== "") throw forbidden(attributes, `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`);
  if (operation === "CREATE") return checkMirrorPod(attributes, node, reader);
  const quoted = JSON.stringify(node);
  if (operation !== "DELETE")
    throw forbidden(attributes, `unexpected operation ${JSON.stringify(operation)}, node ${quoted} can only create and delete mirror pods`);
  if (boundPod(attributes, reader).spec.nodeName !== node) throw forbidden(attributes, `node ${quoted} can only delete pods with spec.nodeName set to itself`);
}

function checkEviction(attributes: AdmissionAttributes, node: string, reader: ObjectReader): void {
  if (boundPod(attributes, reader).spec.nodeName === node) return;
  throw forbidden(attributes, `node ${node} can only evict pods with spec.nodeName set to itself`);
}

function boundPod({ namespace, name, object, oldObject }: AdmissionAttributes, reader: ObjectReader): Pod {
  const asked = name || (object?.metadata.name ?? "");
  const pod = (oldObject as Pod | undefined) ?? reader.lookup(PODS, namespace, asked);
  if (pod === undefined) throw statusError.notFound({ group: "", resource: "pods" }, asked);
  return pod;
}

function checkMirrorPod(attributes: AdmissionAttributes, node: string, reader: ObjectReader): void {
  const { metadata, spec } = attributes.object as Pod;
  const quoted = JSON.stringify(node);
  if (metadata.annotations?.[MIRROR_ANNOTATION] === undefined) {
    throw forbidden(attributes, `pod does not have ${JSON.stringify(MIRROR_ANNOTATION)} annotation, node ${quoted} can only create mirror pods`);
  }
  if (spec.nodeName !== node) throw forbidden(attributes, `node ${quoted} can only create pods with spec.nodeName set to itself`);
  checkOwner(attributes, node, reader);
  const kind = apiReference(attributes, attributes.object as Pod);
  if (kind !== undefined) throw forbidden(attributes, `node ${quoted} can not create pods that reference ${kind}`);
}

function checkOwner(attributes: AdmissionAttributes, node: string, reader: ObjectReader): void {
  const owners = attributes.object?.metadata.ownerReferences ?? [];
  const quoted = JSON.stringify(node);
  if (owners.length > 1) throw forbidden(attributes, `node ${quoted} can only create pods with a single owner reference set to itself`);
  const [owner] = owners;
  if (owner === undefined || owner.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node) {
    throw forbidden(attributes, `node ${quoted} can only create pods with an owner reference set to itself`);
  }
  if (owner.controller !== true) throw forbidden(attributes, `node ${quoted} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion === true) throw forbidden(attributes, `node ${quoted} must not set blockOwnerDeletion on an owner reference`);
  const stored = reader.lookup(NODES, "", node);
  if (stored === undefined) throw statusError.notFound({ group: "", resource: "nodes" }, node);
  if (owner.uid !== stored.metadata.uid) throw forbidden(attributes, `node ${node} UID mismatch: expected ${owner.uid} got ${stored.metadata.uid}`);
}

/** What a pod needs of the API: a kubelet could otherwise read it by naming it in a pod of its own. */
function apiReference(attributes: AdmissionAttributes, pod: Pod): string | undefined {
  const { serviceAccountName, resourceClaims = [], volumes = [], containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  if (serviceAccountName) return "serviceaccounts";
  if (podSecretNames(pod).length > 0) return "secrets";
  const all = [...containers, ...initContainers, ...ephemeralContainers];
  const fromEnv = all.some(({ env = [], envFrom = [] }) => env.some((each) => each.valueFrom?.configMapKeyRef) || envFrom.some((each) => each.configMapRef));
  if (fromEnv || volumes.some(readsConfigMap)) return "configmaps";
  if (resourceClaims.length > 0) return "resourceclaims";
  for (const volume of volumes) {
    const kind = volumeReference(attributes, volume);
    if (kind !== undefined) return kind;
  }
  return undefined;
}

function readsConfigMap({ configMap, projected }: Volume): boolean {
  return configMap !== undefined || (projected?.sources ?? []).some((source) => source.configMap !== undefined);
}

function volumeReference(attributes: AdmissionAttributes, volume: Volume): string | undefined {
  if (volume.secret) return "secrets (via secret volumes)";
  if (volume.csi) return "csidrivers (via CSI volumes)";
  if (volume.glusterfs) return "endpoints (via glusterFS volumes)";
  if (volume.persistentVolumeClaim) return "persistentvolumeclaims";
  if (volume.ephemeral) return "persistentvolumeclaims (via ephemeral volumes)";
  if (volume.azureFile) return "secrets (via azureFile volumes)";
  for (const source of volume.projected?.sources ?? []) {
    if (source.secret) return "secrets (via projected volumes)";
    if (source.serviceAccountToken) return "serviceaccounts (via projected volumes)";
    if (source.clusterTrustBundle) return "clustertrustbundles";
    if (source.podCertificate) return "podcertificates";
    if (!source.downwardAPI)
      throw forbidden(attributes, `error checking mirror pod for API references: unknown source for projected volume ${JSON.stringify(volume.name)}`);
  }
  return undefined;
}

function checkStatus(attributes: AdmissionAttributes, node: string): void {
  const quoted = JSON.stringify(node);
  const { operation, object, oldObject } = attributes;
  if (operation !== "UPDATE") throw forbidden(attributes, `unexpected operation ${JSON.stringify(operation)}`);
  const [next, old] = [object as Pod, oldObject as Pod];
  if (old.spec.nodeName !== node) throw forbidden(attributes, `node ${quoted} can only update pod status for pods with spec.nodeName set to itself`);
  if (!sameJson(next.metadata.labels ?? {}, old.metadata.labels ?? {})) throw forbidden(attributes, `node ${quoted} cannot update labels through pod status`);
  // The missing letter is upstream's.
  if (!sameJson(claims(next), claims(old))) throw forbidden(attributes, `node ${quoted} cannot update resource claim statues`);
  if (!sameJson(extendedClaim(next), extendedClaim(old))) throw forbidden(attributes, `node ${quoted} cannot update extended resource claim status`);
}

const claims = ({ status }: Pod): unknown => status?.resourceClaimStatuses ?? [];
const extendedClaim = ({ status }: Pod): unknown => status?.extendedResourceClaimStatus ?? null;
