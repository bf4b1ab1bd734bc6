import { timingSafeEqual } from "node:crypto";

import { type LegacyTokenClaims, LEGACY_ISSUER } from "#api/core-v1/legacy-token.ts";
import type { Secret, ServiceAccount } from "#api/core-v1/types.ts";
import type { TokenRefused, TokenReviewed, TokenReviewer } from "#apiserver/authn/authenticator.ts";
import type { JwtKey } from "#apiserver/authn/jwt.ts";
import type { ObjectLookup } from "#apiserver/authn/service-account-tokens.ts";
import { VerifiedTokens } from "#apiserver/authn/verified-tokens.ts";
import type { Call } from "#apiserver/registry/types.ts";
import { AUTHENTICATED } from "#apiserver/user.ts";
import type { UserInfo } from "#apiserver/user.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface SecretTokenOptions {
  readonly key: JwtKey;
  /** Audiences that the API server itself answers to. */
  readonly audiences: readonly string[];
  readonly lookup: ObjectLookup;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the label that tells when a token was last used. */
  readonly perform: (call: Call) => Promise<unknown>;
}

const SECRETS = { group: "", version: "v1", plural: "secrets" };
const LAST_USED = "kubernetes.io/legacy-token-last-used";
const INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since";
const DAY_MS = 86_400_000;

/**
 * Tokens that stand in Secrets of type `kubernetes.io/service-account-token`: they hold as long as the Secret has them.
 *
 * @see kubernetes pkg/serviceaccount/legacy.go
 */
export class SecretTokens implements TokenReviewer {
  readonly #options: SecretTokenOptions;
  readonly #verified: VerifiedTokens<LegacyTokenClaims>;

  constructor(options: SecretTokenOptions) {
    this.#options = options;
    this.#verified = new VerifiedTokens(options.key, LEGACY_ISSUER);
  }

  authenticate(token: string): UserInfo | undefined {
    const found = this.review(token, this.#options.audiences);
    return "user" in found ? found.user : undefined;
  }

  review(token: string, audiences: readonly string[]): TokenReviewed | TokenRefused {
    const claims = this.#verified.claimsOf(token);
    if (claims === undefined) return this.#verified.isOurs(token) ? { why: "go-jose/go-jose: error in cryptographic primitive" } : {};
    const shared = this.#options.audiences.filter((audience) => audiences.includes(audience));
    if (shared.length === 0) return {};
    const why = this.#objection(token, claims);
    return why === undefined ? { user: userOf(claims), audiences: shared } : { why };
  }

  #objection(token: string, claims: LegacyTokenClaims): string | undefined {
    const [namespace, name] = [claims["kubernetes.io/serviceaccount/namespace"], claims["kubernetes.io/serviceaccount/service-account.name"]];
    const uid = claims["kubernetes.io/serviceaccount/service-account.uid"];
    const { lookup } = this.#options;
    const secret = lookup("secrets", namespace, claims["kubernetes.io/serviceaccount/secret.name"]) as Secret | undefined;
    if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) return "Token has been invalidated";
    if (!isSame(Buffer.from(secret.data?.["token"] ?? "", "base64"), Buffer.from(token))) return "Token does not match server's copy";
    const account = lookup("serviceaccounts", namespace, name) as ServiceAccount | undefined;
    if (account === undefined) return `serviceaccounts ${JSON.stringify(name)} not found`;
    if (account.metadata.deletionTimestamp !== undefined) return `ServiceAccount ${namespace}/${name} has been deleted`;
    if (account.metadata.uid !== uid) return `ServiceAccount UID (${account.metadata.uid}) does not match claim (${uid})`;
    this.#track(secret);
    if (!secret.metadata.labels?.[INVALID_SINCE]) return undefined;
    return (
      `the token in secret ${namespace}/${secret.metadata.name} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API ` +
      `or manually created secret-based tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`
    );
  }

  /** Another server's clock may be a day ahead. */
  #track(secret: Secret): void {
    const nowMs = this.#options.clock.now();
    const [today, tomorrow] = [nowMs, nowMs + DAY_MS].map((ms) => new Date(ms).toISOString().slice(0, 10)) as [string, string];
    const last = secret.metadata.labels?.[LAST_USED];
    if (last === today || last === tomorrow) return;
    const { name, namespace, uid } = secret.metadata;
    const body = { metadata: { uid, labels: { [LAST_USED]: today } } };
    const { perform, logger } = this.#options;
    perform({ verb: "patch", resource: SECRETS, namespace, name, patchType: "merge", body }).catch((error: unknown) =>
      logger.warn("it was not noted that a token was used", { namespace, secret: name, error }),
    );
  }
}

function userOf(claims: LegacyTokenClaims): UserInfo {
  const namespace = claims["kubernetes.io/serviceaccount/namespace"];
  return {
    name: claims.sub,
    uid: claims["kubernetes.io/serviceaccount/service-account.uid"],
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, AUTHENTICATED],
    extra: {},
  };
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
