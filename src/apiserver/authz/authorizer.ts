import type { UserInfo } from "#apiserver/user.ts";

/** What someone wants to do. */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** What a list, watch or deletion of a collection is limited to, as it was asked. */
  readonly fieldSelector?: string;
  readonly path?: undefined;
}

export interface PathAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly path: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Refused for good: no later authorizer is asked. */
  readonly denied?: boolean;
  readonly reason: string;
}

/** A rule as SelfSubjectRulesReview shows it. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** All that is known to hold for a user. */
export interface UserRules {
  readonly rules: readonly PolicyRule[];
  /** There may be more than `rules`. */
  readonly incomplete: boolean;
  readonly error?: string;
}

/** Says who may do what. Synchronous: it decides from what this process holds in memory. */
export interface Authorizer {
  authorize(attributes: Attributes): Decision;
  /** All that holds for `user` in `namespace`, for SelfSubjectRulesReview. */
  rulesFor(user: UserInfo, namespace: string): UserRules;
}

export const ALLOWED: Decision = { allowed: true, reason: "" };
export const NO_OPINION: Decision = { allowed: false, reason: "" };
