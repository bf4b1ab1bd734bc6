import type { SelfSubjectReview, TokenReview } from "#api/authentication-v1/types.ts";
import type { SelfSubjectRulesReview, SubjectAccessReview } from "#api/authorization-v1/types.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { TokenAuthenticator } from "#apiserver/authn/authenticator.ts";
import type { Attributes, Authorizer, PolicyRule } from "#apiserver/authz/authorizer.ts";
import type { SubresourceHandler, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import type { UserInfo } from "#apiserver/user.ts";
import { formatTime } from "#lib/clock.ts";
import type { Clock } from "#lib/clock.ts";

export interface ReviewDeps {
  readonly authorizer: Authorizer;
  readonly tokens: TokenAuthenticator & { review(token: string, audiences: readonly string[]): { user: UserInfo; audiences: readonly string[] } | undefined };
  readonly audiences: readonly string[];
  readonly clock: Clock;
}

const AUTHENTICATION = "authentication.k8s.io";
const AUTHORIZATION = "authorization.k8s.io";

/** Who am I, may I, what may I: answered at once, never stored. */
export function reviewHandlers(deps: ReviewDeps): SubresourceHandler[] {
  const handler = (group: string, plural: string, answer: (request: SubresourceWrite) => object): SubresourceHandler => ({
    group,
    plural,
    subresource: "",
    create: async (request) => answer(request),
  });
  return [
    handler(AUTHENTICATION, "selfsubjectreviews", (request) => selfReview(request, deps.clock)),
    handler(AUTHENTICATION, "tokenreviews", (request) => tokenReview(request, deps)),
    handler(AUTHORIZATION, "selfsubjectaccessreviews", (request) => accessReview(request, deps.authorizer, request.context.user)),
    handler(AUTHORIZATION, "subjectaccessreviews", (request) => accessReview(request, deps.authorizer, subjectOf(request))),
    handler(AUTHORIZATION, "localsubjectaccessreviews", (request) => accessReview(request, deps.authorizer, localSubject(request))),
    handler(AUTHORIZATION, "selfsubjectrulesreviews", (request) => rulesReview(request, deps.authorizer)),
  ];
}

function shownUser({ name, uid, groups, extra }: UserInfo): object {
  return { username: name, ...(uid !== "" && { uid }), ...(groups.length > 0 && { groups }), ...(Object.keys(extra).length > 0 && { extra }) };
}

function selfReview({ body, context }: SubresourceWrite, clock: Clock): object {
  const review = body as unknown as SelfSubjectReview;
  return { ...review, metadata: { ...review.metadata, creationTimestamp: formatTime(clock.now()) }, status: { userInfo: shownUser(context.user) } };
}

function tokenReview({ body, namespace }: SubresourceWrite, { tokens, audiences }: ReviewDeps): object {
  const review = body as unknown as TokenReview;
  const { token = "", audiences: asked = [] } = review.spec ?? {};
  if (namespace !== "") throw statusError.badRequest(`namespace is not allowed on this type: ${namespace}`);
  if (token === "") throw statusError.badRequest("token is required for TokenReview in authentication");
  const found = tokens.review(token, asked.length > 0 ? asked : audiences);
  const status =
    found === undefined ? { user: {}, error: "invalid bearer token" } : { authenticated: true, user: shownUser(found.user), audiences: found.audiences };
  return { ...review, status };
}

function accessReview({ body }: SubresourceWrite, authorizer: Authorizer, user: UserInfo): object {
  const review = body as unknown as SubjectAccessReview;
  const { allowed, denied, reason } = authorizer.authorize(attributesOf(review, user));
  const status = { allowed, ...(denied === true && { denied }), ...(reason !== "" && { reason }) };
  return { ...review, status };
}

function attributesOf({ spec }: SubjectAccessReview, user: UserInfo): Attributes {
  const resource = spec?.resourceAttributes ?? undefined;
  const path = spec?.nonResourceAttributes ?? undefined;
  const at = new FieldPath("spec");
  if (resource !== undefined && path !== undefined) {
    throw invalidReview(fieldError.invalid(at.child("nonResourceAttributes"), shownPath(path), "cannot be specified in combination with resourceAttributes"));
  }
  if (path !== undefined) return { user, verb: path.verb ?? "", path: path.path ?? "" };
  if (resource === undefined) {
    const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    throw invalidReview(fieldError.invalid(at.child("resourceAttributes"), null, why));
  }
  const { verb = "", group = "", version = "", resource: plural = "", subresource = "", namespace = "", name = "" } = resource;
  return { user, verb, group, version, plural, subresource, namespace, name };
}

function subjectOf({ body }: SubresourceWrite): UserInfo {
  const { spec } = body as unknown as SubjectAccessReview;
  const { user = "", groups = [], uid = "", extra = {} } = spec ?? {};
  if (user === "" && groups.length === 0) {
    throw invalidReview(fieldError.invalid(new FieldPath("spec.user"), "", "at least one of user or group must be specified"));
  }
  return { name: user, groups, uid, extra };
}

function localSubject(request: SubresourceWrite): UserInfo {
  const { spec } = request.body as unknown as SubjectAccessReview;
  const within = spec?.resourceAttributes?.namespace ?? "";
  const path = spec?.nonResourceAttributes ?? undefined;
  if (path !== undefined && (spec?.resourceAttributes ?? undefined) === undefined) {
    throw invalidReview(fieldError.invalid(new FieldPath("spec.nonResourceAttributes"), shownPath(path), "disallowed on this kind of request"));
  }
  if (within === "") throw invalidReview(fieldError.invalid(new FieldPath("spec.resourceAttributes.namespace"), within, "must match metadata.namespace"));
  if (within !== request.namespace) {
    throw statusError.badRequest(`spec.resourceAttributes.namespace must match namespace: ${request.namespace}`);
  }
  return subjectOf(request);
}

/** As Go prints its internal type. */
const shownPath = ({ path = "", verb = "" }: { readonly path?: string | undefined; readonly verb?: string | undefined }) => ({ Path: path, Verb: verb });

/** Upstream gives no kind here. */
function invalidReview(error: FieldError): Error {
  return statusError.invalid({ group: AUTHORIZATION, kind: "" }, "", [error]);
}

function rulesReview({ body, context }: SubresourceWrite, authorizer: Authorizer): object {
  const review = body as unknown as SelfSubjectRulesReview;
  const namespace = review.spec?.namespace ?? "";
  if (namespace === "") throw statusError.badRequest("no namespace on request");
  const { rules, incomplete, error } = authorizer.rulesFor(context.user, namespace);
  const paths = rules.filter(({ nonResourceURLs }) => nonResourceURLs !== undefined);
  const resources = rules.filter(({ nonResourceURLs }) => nonResourceURLs === undefined);
  const shown = ({ verbs, apiGroups, resources: plurals, resourceNames }: PolicyRule) => ({
    verbs,
    ...(apiGroups && { apiGroups }),
    ...(plurals && { resources: plurals }),
    ...(resourceNames && { resourceNames }),
  });
  const nonResourceRules = paths.map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
  const { kind, apiVersion } = review; // upstream answers with a new object
  return {
    kind,
    apiVersion,
    metadata: {},
    spec: {},
    status: { resourceRules: resources.map(shown), nonResourceRules, incomplete, ...(error !== undefined && { evaluationError: error }) },
  };
}
