import { type Attributes, ALLOWED, type Authorizer, type Decision, NO_OPINION, type UserRules } from "#apiserver/authz/authorizer.ts";
import { SYSTEM_MASTERS } from "#apiserver/user.ts";
import type { UserInfo } from "#apiserver/user.ts";

const NONE: UserRules = { rules: [], incomplete: false };

/** Members of `system:masters` may do all, whatever roles there are: the way back in for who has locked himself out. */
export const privilegedAuthorizer: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(SYSTEM_MASTERS) ? ALLOWED : NO_OPINION),
  rulesFor: () => NONE,
};

/** Authorizers in their order: the first that allows or denies decides; else all of their reasons are told. */
export class UnionAuthorizer implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  authorize(attributes: Attributes): Decision {
    let reason = "";
    for (const authorizer of this.#authorizers) {
      const decision = authorizer.authorize(attributes);
      if (decision.allowed || decision.denied === true) return decision;
      if (decision.reason !== "") reason += reason === "" ? decision.reason : `\n${decision.reason}`;
    }
    return reason === "" ? NO_OPINION : { allowed: false, reason };
  }

  rulesFor(user: UserInfo, namespace: string): UserRules {
    const all = this.#authorizers.map((authorizer) => authorizer.rulesFor(user, namespace));
    const errors = all.flatMap(({ error }) => error ?? []);
    return {
      rules: all.flatMap(({ rules }) => rules),
      incomplete: all.some(({ incomplete }) => incomplete),
      ...(errors.length > 0 && { error: errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]` }),
    };
  }
}
