import { ALLOWED, type Attributes, type Authorizer, type Decision, NO_OPINION, type ResourceAttributes, type UserRules } from "#apiserver/authz/authorizer.ts";
import type { NodeRelations } from "#apiserver/authz/node-relations.ts";
import { NODE_NETWORK_RULES, NODE_RULES } from "#apiserver/authz/node-rules.ts";
import type { ReferredKind } from "#apiserver/authz/pod-references.ts";
import { ruleAllows } from "#apiserver/authz/rule.ts";
import type { UserInfo } from "#apiserver/user.ts";

const USER_PREFIX = "system:node:";
const NODES_GROUP = "system:nodes";
const LEASE_NAMESPACE = "kube-node-lease";
const RULES = [...NODE_RULES, ...NODE_NETWORK_RULES];

/** The node that a user is: `undefined` for who is none, `""` for who does not say which. */
export function nodeOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(USER_PREFIX) && groups.includes(NODES_GROUP) ? name.slice(USER_PREFIX.length) : undefined;
}

/**
 * A node reads itself, its pods and what those refer to, and writes what a kubelet writes; NodeRestriction sees to what is in
 * those writes.
 *
 * @see kubernetes plugin/pkg/auth/authorizer/node/node_authorizer.go
 */
export class NodeAuthorizer implements Authorizer {
  readonly #relations: NodeRelations;

  constructor(relations: NodeRelations) {
    this.#relations = relations;
  }

  authorize(attributes: Attributes): Decision {
    const node = nodeOf(attributes.user);
    if (node === undefined) return NO_OPINION;
    if (node === "") return refused(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    const own = attributes.path === undefined ? this.#authorizeOwn(node, attributes) : undefined;
    if (own !== undefined) return own;
    for (const rule of RULES) if (ruleAllows(rule, attributes)) return ALLOWED;
    return NO_OPINION;
  }

  rulesFor(user: UserInfo, _namespace: string): UserRules {
    if (nodeOf(user) === undefined) return { rules: [], incomplete: false };
    return { rules: [], incomplete: true, error: "node authorizer does not support user rule resolution" };
  }

  /** @returns `undefined` for what all nodes may alike */
  #authorizeOwn(node: string, attributes: ResourceAttributes): Decision | undefined {
    const { group, plural } = attributes;
    switch (group === "" ? plural : `${plural}.${group}`) {
      case "secrets":
      case "configmaps":
        return this.#read(node, attributes, plural as ReferredKind);
      case "persistentvolumeclaims":
        return attributes.subresource === "status" ? this.#updateClaimStatus(node, attributes) : this.#getReferred(node, attributes, "persistentvolumeclaims");
      case "resourceclaims.resource.k8s.io":
        return this.#getReferred(node, attributes, "resourceclaims");
      case "persistentvolumes":
        return getOnly(attributes) ?? named(attributes) ?? related(node, this.#relations.hasVolume(node, attributes.name));
      case "volumeattachments.storage.k8s.io":
        return getOnly(attributes) ?? named(attributes) ?? related(node, this.#relations.hasAttachment(node, attributes.name));
      case "serviceaccounts":
        return this.#serviceAccount(node, attributes);
      case "leases.coordination.k8s.io":
        return authorizeLease(node, attributes);
      case "csinodes.storage.k8s.io":
        return authorizeCsiNode(node, attributes);
      case "resourceslices.resource.k8s.io":
        return this.#slice(node, attributes);
      case "nodes":
        return authorizeNode(node, attributes);
      case "pods":
        return this.#pod(node, attributes);
      default:
        return undefined;
    }
  }

  #read(node: string, attributes: ResourceAttributes, kind: ReferredKind): Decision {
    const { verb, subresource, namespace } = attributes;
    if (verb !== "get" && verb !== "list" && verb !== "watch") return refused("can only read resources of this type");
    if (subresource !== "") return refused("cannot read subresource");
    if (namespace === "") return refused("can only read namespaced object of this type");
    return this.#referred(node, attributes, kind);
  }

  #getReferred(node: string, attributes: ResourceAttributes, kind: ReferredKind): Decision {
    return getOnly(attributes) ?? this.#referred(node, attributes, kind);
  }

  #updateClaimStatus(node: string, attributes: ResourceAttributes): Decision {
    if (attributes.verb !== "update" && attributes.verb !== "patch") return refused("can only get/update/patch this type");
    return this.#referred(node, attributes, "persistentvolumeclaims");
  }

  #referred(node: string, attributes: ResourceAttributes, kind: ReferredKind): Decision {
    return named(attributes) ?? related(node, this.#relations.refersTo(node, kind, attributes.namespace, attributes.name));
  }

  #serviceAccount(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource, name } = attributes;
    if (verb === "get" && subresource === "") return this.#read(node, attributes, "serviceaccounts");
    if (verb !== "create" || name === "") return refused("can only create tokens for individual service accounts");
    if (subresource !== "token") return refused("can only create token subresource of serviceaccount");
    return this.#referred(node, attributes, "serviceaccounts");
  }

  #slice(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource, fieldSelector, name } = attributes;
    if (subresource !== "") return refused("cannot authorize ResourceSlice subresources");
    switch (verb) {
      case "create":
        return ALLOWED;
      case "get":
      case "update":
      case "patch":
      case "delete":
        return named(attributes) ?? related(node, this.#relations.hasSlice(node, name));
      case "watch":
      case "list":
      case "deletecollection":
        return selects(fieldSelector, node) ? ALLOWED : refused("can only list/watch/deletecollection resourceslices with nodeName field selector");
      default:
        return refused("only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection");
    }
  }

  #pod(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource, fieldSelector, namespace, name } = attributes;
    const own = () => named(attributes) ?? related(node, this.#relations.hasPod(node, namespace, name));
    if (subresource === "status") return verb === "update" || verb === "patch" ? ALLOWED : NO_OPINION;
    if (subresource === "eviction") return verb === "create" ? ALLOWED : NO_OPINION;
    if (subresource !== "") return NO_OPINION;
    switch (verb) {
      case "get":
        return own();
      case "list":
      case "watch":
        if (selects(fieldSelector, node)) return ALLOWED;
        return name === "" ? refused("can only list/watch pods with spec.nodeName field selector") : own();
      case "create":
      case "delete":
        return ALLOWED;
      default:
        return NO_OPINION;
    }
  }
}

const refused = (reason: string): Decision => ({ allowed: false, reason });

const related = (node: string, isRelated: boolean): Decision => (isRelated ? ALLOWED : refused(`no relationship found between node '${node}' and this object`));

const named = ({ name }: ResourceAttributes): Decision | undefined => (name === "" ? refused("No Object name found") : undefined);

function getOnly({ verb, subresource }: ResourceAttributes): Decision | undefined {
  if (verb !== "get") return refused("can only get individual resources of this type");
  return subresource === "" ? undefined : refused("cannot get subresource");
}

const READ_WRITE = new Set(["get", "create", "update", "patch", "delete"]);

/** Its name is not known when it is created: NodeRestriction looks then. */
function authorizeLease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!READ_WRITE.has(verb)) return refused("can only get, create, update, patch, or delete a node lease");
  if (namespace !== LEASE_NAMESPACE) return refused(`can only access leases in the ${JSON.stringify(LEASE_NAMESPACE)} system namespace`);
  if (verb !== "create" && name !== node) return refused("can only access node lease with the same name as the requesting node");
  return ALLOWED;
}

function authorizeCsiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!READ_WRITE.has(verb)) return refused("can only get, create, update, patch, or delete a CSINode");
  if (subresource !== "") return refused("cannot authorize CSINode subresources");
  if (verb !== "create" && name !== node) return refused("can only access CSINode with the same name as the requesting node");
  return ALLOWED;
}

function authorizeNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  const isWrite = verb === "update" || verb === "patch";
  if (subresource === "status") return isWrite ? ALLOWED : NO_OPINION;
  if (subresource !== "") return NO_OPINION;
  if (isWrite || verb === "create") return ALLOWED;
  if (verb !== "get" && verb !== "list" && verb !== "watch") return NO_OPINION;
  if (name === node) return ALLOWED;
  return refused(
    name === "" ? `node '${node}' cannot read all nodes, only its own Node object` : `node '${node}' cannot read '${name}', only its own Node object`,
  );
}

/** Whether a field selector leaves only what is of the node. */
function selects(fieldSelector: string | undefined, node: string): boolean {
  return fieldSelector?.split(",").some((part) => part === `spec.nodeName=${node}` || part === `spec.nodeName==${node}`) ?? false;
}
