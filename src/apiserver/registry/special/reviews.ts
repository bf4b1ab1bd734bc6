import type { SelfSubjectReview, TokenReview } from "#api/authentication-v1/types.ts";
import type { SelfSubjectRulesReview } from "#api/authorization-v1/types.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { TokenReviewer } from "#apiserver/authn/authenticator.ts";
import type { Authorizer, PolicyRule } from "#apiserver/authz/authorizer.ts";
import { localReview, selfReview as selfAccessReview, subjectReview } from "#apiserver/registry/special/access-reviews.ts";
import type { SubresourceHandler, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import type { UserInfo } from "#apiserver/user.ts";
import { formatTime } from "#lib/clock.ts";
import type { Clock } from "#lib/clock.ts";

export interface ReviewDeps {
  readonly authorizer: Authorizer;
  readonly tokens: TokenReviewer;
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
    handler(AUTHORIZATION, "selfsubjectaccessreviews", (request) => selfAccessReview(request, deps.authorizer)),
    handler(AUTHORIZATION, "subjectaccessreviews", (request) => subjectReview(request, deps.authorizer)),
    handler(AUTHORIZATION, "localsubjectaccessreviews", (request) => localReview(request, deps.authorizer)),
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
    "user" in found
      ? { authenticated: true, user: shownUser(found.user), audiences: found.audiences }
      : { user: {}, error: found.why === undefined ? "invalid bearer token" : `[invalid bearer token, ${found.why}]` };
  return { ...review, status };
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
