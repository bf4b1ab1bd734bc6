import { NAMESPACES } from "#api/builtin.ts";
import type { ResourceInfo } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { type AskAuthorizer, type AuthorizationQuestion, authorizerValue, requestResourceValue } from "#apimachinery/cel/authorizer.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { PolicyDeps } from "#apiserver/admission/policies/bound-policies.ts";
import { shown } from "#apiserver/admission/policies/evaluation.ts";
import { shownAs } from "#apiserver/admission/webhooks/dispatch.ts";
import { requestFields } from "#apiserver/admission/webhooks/review.ts";
import { reviewedKind } from "#apiserver/admission/webhooks/versions.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { AUTHENTICATED, type UserInfo } from "#apiserver/user.ts";
import type { Activation } from "#lib/cel/compile.ts";

export type ActivationDeps = Pick<PolicyDeps, "reader" | "versions" | "authorizer">;

/** @param params left out for policies without parameters */
export function activationOf(
  attributes: AdmissionAttributes,
  as: ResourceInfo,
  params: { readonly param: KubeObject | undefined } | undefined,
  { reader, versions, authorizer }: ActivationDeps,
): Activation {
  const { resource, subresource, namespace } = attributes;
  const asking: AskAuthorizer = (question) => answer(question, attributes.user, authorizer);
  const isNamespace = resource.kind === "Namespace" && resource.group === "";
  let objects: ReturnType<typeof shownAs> | undefined;
  const inVersion = () => (objects ??= shownAs(as, attributes, versions));
  return {
    object: () => shown(inVersion().object),
    oldObject: () => shown(inVersion().oldObject),
    request: () => shown(requestFields({ attributes, requested: reviewedKind(resource, subresource), seen: reviewedKind(as, subresource) })),
    namespaceObject: () => (namespace === "" || isNamespace ? null : shown(reader.lookup(NAMESPACES, "", namespace))),
    authorizer: () => authorizerValue(asking),
    "authorizer.requestResource": () =>
      requestResourceValue(asking, { group: resource.group, resource: resource.plural, subresource, namespace, name: attributes.name }),
    ...(params !== undefined && { params: () => shown(params.param) }),
  };
}

/** For selectors the authorizer has no use: it answers for all that they could take. */
function answer(question: AuthorizationQuestion, user: UserInfo, authorizer: Authorizer): { allowed: boolean; reason: string } {
  const { verb, path, group, resource: plural, subresource, namespace, name, serviceAccount } = question;
  const who = serviceAccount === undefined ? user : accountUser(serviceAccount);
  if (path !== undefined) return authorizer.authorize({ user: who, verb, path });
  return authorizer.authorize({ user: who, verb, group, version: "*", plural, subresource, namespace, name });
}

function accountUser({ namespace, name }: { readonly namespace: string; readonly name: string }): UserInfo {
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, AUTHENTICATED];
  return { name: `system:serviceaccount:${namespace}:${name}`, uid: "", groups, extra: {} };
}
