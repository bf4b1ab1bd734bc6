import type { ParamKind, ParamRef } from "#api/admissionregistration-v1/types.ts";
import { type Resource, type ResourceInfo, apiVersionOf, builtin } from "#api/resources.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";
import { SYSTEM_MASTERS, type UserInfo } from "#apiserver/user.ts";
import { sameJson } from "#lib/same-json.ts";

const GROUP = "admissionregistration.k8s.io";
const KINDS = ["validatingadmissionpolicies", "mutatingadmissionpolicies"];
/** Bindings, and the policies that they bind. */
const POLICIES_OF: Readonly<Record<string, Resource>> = {
  validatingadmissionpolicybindings: builtin(GROUP, "v1", "validatingadmissionpolicies"),
  mutatingadmissionpolicybindings: builtin(GROUP, "v1beta1", "mutatingadmissionpolicies"),
};

export interface ParamAccessDeps {
  readonly reader: ObjectReader;
  readonly resources: ResourceTable;
  readonly authorizer: Authorizer;
}

interface Spec {
  readonly paramKind?: ParamKind;
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
}

/**
 * Who has policies look at parameters must be able to look at them himself, as policies tell of what they see.
 *
 * @see kubernetes pkg/registry/admissionregistration, authz.go of policies and bindings
 */
export function paramAccess(deps: ParamAccessDeps): AdmissionPlugin {
  return {
    name: "PolicyParamAccess",
    handles: ({ operation, resource, subresource }) =>
      resource.group === GROUP &&
      subresource === "" &&
      (operation === "CREATE" || operation === "UPDATE") &&
      (KINDS.includes(resource.plural) || Object.hasOwn(POLICIES_OF, resource.plural)),
    validate(attributes) {
      const { resource, object, user } = attributes;
      if (user.groups.includes(SYSTEM_MASTERS)) return;
      const isPolicy = KINDS.includes(resource.plural);
      const fault = isPolicy ? policyFault(attributes, deps) : bindingFault(attributes, deps);
      if (fault === undefined) return;
      const error = fieldError.forbidden(new FieldPath("spec").child(isPolicy ? "paramKind" : "paramRef"), fault);
      throw statusError.invalid({ group: GROUP, kind: resource.kind }, object?.metadata.name ?? "", [error]);
    },
  };
}

const specOf = (object: object | undefined): Spec => (object as { readonly spec?: Spec } | undefined)?.spec ?? {};

function policyFault({ object, oldObject, user }: AdmissionAttributes, { resources, authorizer }: ParamAccessDeps): string | undefined {
  const { paramKind } = specOf(object);
  if (paramKind === undefined || sameJson(paramKind, specOf(oldObject).paramKind)) return undefined;
  const asked = { user, verb: "get", ...placeOf(paramKind, resources.infos), subresource: "", namespace: "*", name: "*" };
  if (authorizer.authorize(asked).allowed) return undefined;
  return `user ${shown(user)} must have "get" permission on all objects of the referenced paramKind (kind=${paramKind.kind}, apiVersion=${paramKind.apiVersion})`;
}

function bindingFault({ resource, object, user }: AdmissionAttributes, { reader, resources, authorizer }: ParamAccessDeps): string | undefined {
  const { paramRef, policyName = "" } = specOf(object);
  if (paramRef === undefined) return undefined;
  const verb = paramRef.name ? "get" : "list";
  const policy = reader.lookup<KubeObject>(POLICIES_OF[resource.plural]!, "", policyName);
  const { paramKind } = specOf(policy);
  const place = placeOf(paramKind, resources.infos);
  const asked = { user, verb, ...place, subresource: "", namespace: paramRef.namespace ?? "", name: paramRef.name ?? "" };
  if (authorizer.authorize(asked).allowed) return undefined;
  const without = `to determine minimum required permissions and user ${shown(user)} does not have "${verb}" permission for all groups, versions and resources`;
  if (policy === undefined) return `unable to get policy ${policyName} ${without}`;
  if (paramKind !== undefined && place.plural === "*") return `unable to resolve paramKind &{${paramKind.apiVersion} ${paramKind.kind}} ${without}`;
  // Upstream has the two the other way round for mutating policies.
  const [who, what] = resource.plural.startsWith("mutating") ? [verb, shown(user)] : [shown(user), verb];
  return `user ${who} does not have "${what}" permission on the object referenced by paramRef`;
}

/** Where parameters are, as narrowly as that is known. */
function placeOf(kind: ParamKind | undefined, served: readonly ResourceInfo[]): { readonly group: string; readonly version: string; readonly plural: string } {
  if (kind === undefined) return { group: "*", version: "*", plural: "*" };
  const [version = "", group = ""] = (kind.apiVersion ?? "").split("/").toReversed();
  const found = served.find((info) => info.kind === kind.kind && apiVersionOf(info) === kind.apiVersion);
  return { group, version, plural: found?.plural ?? "*" };
}

/** As Go prints what it knows of a user. */
function shown({ name, uid, groups, extra }: UserInfo): string {
  const entries = Object.keys(extra)
    .sort()
    .map((key) => `${key}:[${extra[key]!.join(" ")}]`);
  return `&{${name} ${uid} [${groups.join(" ")}] map[${entries.join(" ")}]}`;
}
