import type { Attributes, Authorizer, Decision, PolicyRule } from "#apiserver/authz/authorizer.ts";
import { NODE_RULES } from "#apiserver/authz/node-rules.ts";
import { ruleAllows } from "#apiserver/authz/rule.ts";
import { AUTHENTICATED, SYSTEM_MASTERS } from "#apiserver/user.ts";
import type { UserInfo } from "#apiserver/user.ts";

const NODES = "system:nodes";
const SERVICE_ACCOUNTS = "system:serviceaccounts";

const PUBLIC_INFO: readonly PolicyRule[] = [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"] }];

const AUTHENTICATED_RULES: readonly PolicyRule[] = [
  { verbs: ["create"], apiGroups: ["authorization.k8s.io"], resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"] },
  { verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"] },
  {
    verbs: ["get"],
    nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"],
  },
];

const ISSUER_DISCOVERY: readonly PolicyRule[] = [
  {
    verbs: ["get"],
    nonResourceURLs: ["/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/openid/v1/jwks/"],
  },
];

const MASTERS_RULES: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

const ALLOWED: Decision = { allowed: true, reason: "" };
const NO_OPINION: Decision = { allowed: false, reason: "" };

/** Rules by group, fixed: administrators may do all, nodes what a kubelet needs, everyone may discover. */
export class StaticAuthorizer implements Authorizer {
  authorize(attributes: Attributes): Decision {
    const { user } = attributes;
    if (user.groups.includes(SYSTEM_MASTERS)) return ALLOWED;
    for (const rule of rulesOf(user)) if (ruleAllows(rule, attributes)) return ALLOWED;
    return NO_OPINION;
  }

  rulesFor(user: UserInfo, _namespace: string): { rules: readonly PolicyRule[]; incomplete: boolean } {
    const rules = user.groups.includes(SYSTEM_MASTERS) ? [...MASTERS_RULES, ...rulesOf(user)] : rulesOf(user);
    return { rules, incomplete: false };
  }
}

function rulesOf({ groups }: UserInfo): readonly PolicyRule[] {
  const rules: PolicyRule[] = [...PUBLIC_INFO];
  if (groups.includes(AUTHENTICATED)) rules.push(...AUTHENTICATED_RULES);
  if (groups.includes(SERVICE_ACCOUNTS)) rules.push(...ISSUER_DISCOVERY);
  if (groups.includes(NODES)) rules.push(...NODE_RULES);
  return rules;
}
