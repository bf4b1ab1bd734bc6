import type { SubjectAccessReview } from "#api/authorization-v1/types.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { Attributes, Authorizer } from "#apiserver/authz/authorizer.ts";
import { type Read, readSelectors, selectorErrors } from "#apiserver/registry/special/review-selectors.ts";
import type { SubresourceWrite } from "#apiserver/registry/subresource.ts";
import type { UserInfo } from "#apiserver/user.ts";

type Spec = NonNullable<SubjectAccessReview["spec"]>;
type PathAttributes = NonNullable<Spec["nonResourceAttributes"]>;

const SPEC = new FieldPath("spec");
const RESOURCE = new FieldPath("spec.resourceAttributes");

/** May I. */
export function selfReview({ body, context }: SubresourceWrite, authorizer: Authorizer): object {
  const review = body as unknown as SubjectAccessReview;
  refuse([...specErrors(review.spec), ...selectorErrors(review.spec?.resourceAttributes, RESOURCE), ...metadataErrors(review, "must be empty")]);
  return answered(review, authorizer, context.user);
}

/** May somebody. */
export function subjectReview({ body }: SubresourceWrite, authorizer: Authorizer): object {
  const review = body as unknown as SubjectAccessReview;
  refuse([...subjectErrors(review.spec), ...metadataErrors(review, "must be empty")]);
  return answered(review, authorizer, subjectOf(review));
}

/** May somebody, in the namespace of the request. */
export function localReview({ body, namespace }: SubresourceWrite, authorizer: Authorizer): object {
  const review = body as unknown as SubjectAccessReview;
  const { resourceAttributes: resource, nonResourceAttributes: path } = review.spec ?? {};
  const errors = [...subjectErrors(review.spec), ...metadataErrors(review, "must be empty except for namespace")];
  const within = resource?.namespace ?? "";
  if (resource && within !== namespace) errors.push(fieldError.invalid(RESOURCE.child("namespace"), within, "must match metadata.namespace"));
  if (path) errors.push(fieldError.invalid(SPEC.child("nonResourceAttributes"), shownPath(path), "disallowed on this kind of request"));
  refuse(errors);
  return answered(review, authorizer, subjectOf(review));
}

function answered(review: SubjectAccessReview, authorizer: Authorizer, user: UserInfo): object {
  const { attributes, ignored } = attributesOf(review, user);
  const { allowed, denied, reason } = authorizer.authorize(attributes);
  const status = { allowed, ...(denied === true && { denied }), ...(reason !== "" && { reason }), ...(ignored !== "" && { evaluationError: ignored }) };
  return { ...review, status };
}

function attributesOf({ spec }: SubjectAccessReview, user: UserInfo): Read {
  const { resourceAttributes: resource, nonResourceAttributes } = spec ?? {};
  if (!resource) return { attributes: { user, verb: nonResourceAttributes?.verb ?? "", path: nonResourceAttributes?.path ?? "" }, ignored: "" };
  const { verb = "", group = "", version = "", resource: plural = "", subresource = "", namespace = "", name = "" } = resource;
  const { fieldSelector, ignored } = readSelectors(resource);
  const attributes: Attributes = { user, verb, group, version, plural, subresource, namespace, name, fieldSelector };
  return { attributes, ignored };
}

function subjectOf({ spec }: SubjectAccessReview): UserInfo {
  const { user = "", groups, uid = "", extra } = spec ?? {};
  return { name: user, groups: groups ?? [], uid, extra: extra ?? {} };
}

/** @see kubernetes pkg/apis/authorization/validation/validation.go */
function subjectErrors(spec: Spec | undefined): FieldError[] {
  const errors = specErrors(spec);
  if (!spec?.user && !spec?.groups?.length) errors.push(fieldError.invalid(SPEC.child("user"), "", "at least one of user or group must be specified"));
  return [...errors, ...selectorErrors(spec?.resourceAttributes, RESOURCE)];
}

function specErrors(spec: Spec | undefined): FieldError[] {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec ?? {};
  if (resource && path) {
    return [fieldError.invalid(SPEC.child("nonResourceAttributes"), shownPath(path), "cannot be specified in combination with resourceAttributes")];
  }
  if (resource || path) return [];
  return [fieldError.invalid(SPEC.child("resourceAttributes"), null, "exactly one of nonResourceAttributes or resourceAttributes must be specified")];
}

/** A review is a question, not an object; what is said of fields does not count, nor does the namespace of a local one. */
function metadataErrors({ metadata }: SubjectAccessReview, why: string): FieldError[] {
  const { managedFields: _fields, namespace, ...rest } = metadata;
  const own = why === "must be empty" ? { ...rest, namespace } : rest;
  const isEmpty = Object.values(own).every((value) => value === undefined || value === null || value === "" || isEmptyComposite(value));
  return isEmpty ? [] : [fieldError.invalid(new FieldPath("metadata"), metadata, why)];
}

const isEmptyComposite = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** As Go prints its internal type. */
const shownPath = ({ path = "", verb = "" }: PathAttributes) => ({ Path: path, Verb: verb });

/** Upstream gives no kind here. */
function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw statusError.invalid({ group: "authorization.k8s.io", kind: "" }, "", errors);
}
