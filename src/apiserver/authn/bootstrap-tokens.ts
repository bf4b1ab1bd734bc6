import { timingSafeEqual } from "node:crypto";

import type { Secret } from "#api/core-v1/types.ts";
import type { TokenRefused, TokenReviewed, TokenReviewer } from "#apiserver/authn/authenticator.ts";
import type { ObjectLookup } from "#apiserver/authn/service-account-tokens.ts";
import { AUTHENTICATED } from "#apiserver/user.ts";
import type { UserInfo } from "#apiserver/user.ts";
import type { Clock } from "#lib/clock.ts";

export interface BootstrapTokenOptions {
  /** Audiences that the API server itself answers to. */
  readonly audiences: readonly string[];
  readonly clock: Clock;
  readonly lookup: ObjectLookup;
}

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const NAMESPACE = "kube-system";
const TYPE = "bootstrap.kubernetes.io/token";
const GROUP = "system:bootstrappers";
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/**
 * Tokens that new nodes come in with: a Secret `bootstrap-token-<id>` each, in kube-system.
 *
 * @see kubernetes plugin/pkg/auth/authenticator/token/bootstrap
 */
export class BootstrapTokens implements TokenReviewer {
  readonly #options: BootstrapTokenOptions;

  constructor(options: BootstrapTokenOptions) {
    this.#options = options;
  }

  authenticate(token: string): UserInfo | undefined {
    const [, id, secret] = TOKEN.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const found = this.#options.lookup("secrets", NAMESPACE, `bootstrap-token-${id}`) as Secret | undefined;
    if (found === undefined || found.metadata.deletionTimestamp !== undefined || found.type !== TYPE) return undefined;
    const data = (key: string) => Buffer.from(found.data?.[key] ?? "", "base64");
    if (!sameBytes(data("token-secret"), Buffer.from(secret)) || data("token-id").toString() !== id) return undefined;
    if (this.#hasExpired(data("expiration").toString()) || data("usage-bootstrap-authentication").toString() !== "true") return undefined;
    const groups = groupsOf(data("auth-extra-groups").toString());
    return groups === undefined ? undefined : { name: `system:bootstrap:${id}`, uid: "", groups, extra: {} };
  }

  review(token: string, audiences: readonly string[]): TokenReviewed | TokenRefused {
    const user = this.authenticate(token);
    const shared = this.#options.audiences.filter((audience) => audiences.includes(audience));
    return user === undefined || shared.length === 0 ? {} : { user, audiences: shared };
  }

  /** What cannot be read as a time counts as long ago. */
  #hasExpired(expiration: string): boolean {
    if (expiration === "") return false;
    const atMs = Date.parse(expiration);
    return Number.isNaN(atMs) || atMs <= this.#options.clock.now();
  }
}

function groupsOf(text: string): readonly string[] | undefined {
  const extra = text === "" ? [] : text.split(",");
  return extra.every((group) => EXTRA_GROUP.test(group)) ? [...new Set([GROUP, ...extra])].toSorted().concat(AUTHENTICATED) : undefined;
}

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
