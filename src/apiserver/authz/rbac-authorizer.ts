import { type Attributes, type Authorizer, type Decision, NO_OPINION, type PolicyRule, type UserRules } from "#apiserver/authz/authorizer.ts";
import type { Grant, RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { ruleAllows } from "#apiserver/authz/rule.ts";
import type { UserInfo } from "#apiserver/user.ts";

/**
 * Roles, bound to users, groups and service accounts.
 *
 * @see kubernetes plugin/pkg/auth/authorizer/rbac
 */
export class RbacAuthorizer implements Authorizer {
  readonly #index: RbacIndex;

  constructor(index: RbacIndex) {
    this.#index = index;
  }

  authorize(attributes: Attributes): Decision {
    let missing: Grant[] | undefined;
    const grant = this.#index.find(attributes.user, attributes.path === undefined ? attributes.namespace : "", {
      see: (rule) => ruleAllows(rule, attributes),
      missing: (found) => void (missing ??= []).push(found),
    });
    if (grant !== undefined) return grant.decision;
    return missing === undefined ? NO_OPINION : { allowed: false, reason: `RBAC: ${told(missing)}` };
  }

  rulesFor(user: UserInfo, namespace: string): UserRules {
    const missing: Grant[] = [];
    const rules: PolicyRule[] = [];
    const by = new Map<string, Grant>();
    this.#index.find(user, namespace, {
      see: (rule, grant) => {
        const first = by.get(grant.bindingKey);
        if (first === undefined) by.set(grant.bindingKey, grant);
        if (first === undefined || first === grant) rules.push(rule);
        return false;
      },
      missing: (grant) => void missing.push(grant),
    });
    return { rules, incomplete: false, ...(missing.length > 0 && { error: told(missing) }) };
  }
}

/** As Go prints an aggregate: the same error once. */
function told(missing: readonly Grant[]): string {
  const errors = [...new Set(missing.map(({ missingRole }) => missingRole))];
  return errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]`;
}
