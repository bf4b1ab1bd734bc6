import { parseCertificateRequest } from "#api/certificates-v1/certificate-request.ts";
import type { CertificateSigningRequest } from "#api/certificates-v1/types.ts";
import type { PersistentVolumeClaim } from "#api/core-v1/types.ts";
import type { ResourceSlice } from "#api/resource-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import { checkNode } from "#apiserver/admission/plugins/node-itself.ts";
import { checkNodePod } from "#apiserver/admission/plugins/node-pods.ts";
import { checkToken } from "#apiserver/admission/plugins/node-tokens.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { sameJson } from "#lib/same-json.ts";

const USER_PREFIX = "system:node:";
/** Whose certificates let somebody be a node. */
const KUBELET_SIGNERS: readonly unknown[] = ["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"];

/**
 * A kubelet changes its own node, its lease, and the pods that run on it, and nothing else.
 *
 * @see kubernetes plugin/pkg/admission/noderestriction/admission.go
 */
export function nodeRestriction(reader: ObjectReader, authorizer: Authorizer): AdmissionPlugin {
  const checks: Readonly<Record<string, (attributes: AdmissionAttributes, node: string) => void>> = {
    pods: (attributes, node) => checkNodePod(attributes, node, reader),
    nodes: checkNode,
    persistentvolumeclaims: checkClaim,
    serviceaccounts: (attributes, node) => checkToken(attributes, node, { reader, authorizer }),
    "leases.coordination.k8s.io": checkLease,
    "csinodes.storage.k8s.io": checkCsiNode,
    "resourceslices.resource.k8s.io": checkSlice,
    "certificatesigningrequests.certificates.k8s.io": checkRequest,
  };
  return {
    name: "NodeRestriction",
    handles: ({ operation }) => operation !== "CONNECT",
    admit(attributes) {
      const { user, resource } = attributes;
      if (!user.name.startsWith(USER_PREFIX) || !user.groups.includes("system:nodes")) return;
      const node = user.name.slice(USER_PREFIX.length);
      if (node === "") throw forbidden(attributes, `could not determine node from user ${JSON.stringify(user.name)}`);
      checks[resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`]?.(attributes, node);
    },
  };
}

/** Of a claim, a kubelet tells how far its volume has grown. */
function checkClaim(attributes: AdmissionAttributes, node: string): void {
  const { operation, subresource, object, oldObject } = attributes;
  if (subresource !== "status") throw forbidden(attributes, "may only update PVC status");
  if (operation !== "UPDATE") throw forbidden(attributes, `unexpected operation ${JSON.stringify(operation)}`);
  if (sameJson(withoutGrowth(object as PersistentVolumeClaim), withoutGrowth(oldObject as PersistentVolumeClaim))) return;
  throw forbidden(attributes, `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`);
}

function withoutGrowth({ metadata, status = {}, ...rest }: PersistentVolumeClaim): object {
  const { resourceVersion: _version, managedFields: _owners, ...about } = metadata;
  const { capacity: _capacity, conditions: _conditions, allocatedResources: _allocated, allocatedResourceStatuses: _statuses, ...state } = status;
  return { ...rest, metadata: about, status: state };
}

function checkLease(attributes: AdmissionAttributes, node: string): void {
  if (attributes.namespace !== "kube-node-lease") throw forbidden(attributes, `can only access leases in the "kube-node-lease" system namespace`);
  if (nameOf(attributes) !== node) throw forbidden(attributes, "can only access node lease with the same name as the requesting node");
}

function checkCsiNode(attributes: AdmissionAttributes, node: string): void {
  if (nameOf(attributes) !== node) throw forbidden(attributes, "can only access CSINode with the same name as the requesting node");
}

/** When it changes one, the authorizer has seen the selector. */
function checkSlice(attributes: AdmissionAttributes, node: string): void {
  const { operation, object, oldObject } = attributes;
  if (operation === "UPDATE") return;
  const { spec } = (operation === "CREATE" ? object : oldObject) as KubeObject as ResourceSlice;
  const verb = operation === "CREATE" ? "create" : "delete";
  if (spec.nodeName !== node) throw forbidden(attributes, `can only ${verb} ResourceSlice with the same NodeName as the requesting node`);
}

/** A node asks for certificates in its own name. */
function checkRequest(attributes: AdmissionAttributes, node: string): void {
  const { operation, object } = attributes;
  if (operation !== "CREATE") return;
  const { signerName, request } = (object as unknown as CertificateSigningRequest).spec;
  if (!KUBELET_SIGNERS.includes(signerName)) return;
  let name: string;
  try {
    name = parseCertificateRequest(request).commonName;
  } catch (error) {
    throw forbidden(attributes, `unable to parse csr: ${(error as Error).message}`);
  }
  if (name !== `${USER_PREFIX}${node}`) throw forbidden(attributes, `can only create a node CSR with CN=${USER_PREFIX}${node}`);
}

function nameOf({ operation, object, name }: AdmissionAttributes): string | undefined {
  return operation === "CREATE" ? object?.metadata.name : name;
}
