import { createHash } from "node:crypto";

import type { KubeObject } from "#apimachinery/object.ts";
import type { TokenAuthenticator } from "#apiserver/authn/authenticator.ts";
import type { JwtKey, TokenClaims } from "#apiserver/authn/jwt.ts";
import { AUTHENTICATED } from "#apiserver/user.ts";
import type { UserInfo } from "#apiserver/user.ts";
import type { Clock } from "#lib/clock.ts";

/** Looks an object up in the cache, by the core group's resource. */
export type ObjectLookup = (plural: "serviceaccounts" | "pods" | "secrets" | "nodes", namespace: string, name: string) => KubeObject | undefined;

export interface ServiceAccountTokenOptions {
  readonly key: JwtKey;
  readonly issuer: string;
  /** Audiences that the API server itself answers to. */
  readonly audiences: readonly string[];
  readonly clock: Clock;
  readonly lookup: ObjectLookup;
}

/** How many signatures are remembered as good. */
const REMEMBERED = 4096;
/** Clocks of token issuer and verifier may differ by this much. */
const LEEWAY_S = 60;

/** Service-account tokens: signature (remembered by hash), times, and that all they are bound to still stands. */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: ServiceAccountTokenOptions;
  readonly #verified = new Map<string, TokenClaims>();

  constructor(options: ServiceAccountTokenOptions) {
    this.#options = options;
  }

  authenticate(token: string): UserInfo | undefined {
    return this.review(token, this.#options.audiences)?.user;
  }

  /** @returns the user and which of `audiences` the token is for; `undefined` when it is not good */
  review(token: string, audiences: readonly string[]): { user: UserInfo; audiences: readonly string[] } | undefined {
    const claims = this.#claims(token);
    if (claims === undefined || claims.iss !== this.#options.issuer || !Array.isArray(claims.aud)) return undefined;
    const shared = claims.aud.filter((audience) => audiences.includes(audience));
    const now = this.#options.clock.now() / 1000;
    if (shared.length === 0 || claims.exp + LEEWAY_S < now || claims.nbf - LEEWAY_S > now || !this.#bound(claims)) return undefined;
    return { user: userOf(claims), audiences: shared };
  }

  #claims(token: string): TokenClaims | undefined {
    const hash = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(hash);
    if (known !== undefined) return known;
    const claims = this.#options.key.verify(token);
    if (claims === undefined) return undefined;
    if (this.#verified.size >= REMEMBERED) this.#verified.clear();
    this.#verified.set(hash, claims);
    return claims;
  }

  #bound(claims: TokenClaims): boolean {
    const bound = claims["kubernetes.io"];
    if (typeof bound?.serviceaccount?.name !== "string") return false;
    const { lookup } = this.#options;
    const stands = (plural: Parameters<ObjectLookup>[0], namespace: string, ref: { readonly name: string; readonly uid?: string } | undefined) => {
      if (ref === undefined) return true;
      const object = lookup(plural, namespace, ref.name);
      return object !== undefined && (ref.uid === undefined || object.metadata.uid === ref.uid);
    };
    const { namespace } = bound;
    return (
      stands("serviceaccounts", namespace, bound.serviceaccount) &&
      stands("pods", namespace, bound.pod) &&
      stands("secrets", namespace, bound.secret) &&
      (bound.pod !== undefined || stands("nodes", "", bound.node))
    );
  }
}

function userOf(claims: TokenClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims["kubernetes.io"];
  const extra: Record<string, readonly string[]> = { "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`] };
  if (node !== undefined) {
    extra["authentication.kubernetes.io/node-name"] = [node.name];
    if (node.uid !== undefined) extra["authentication.kubernetes.io/node-uid"] = [node.uid];
  }
  if (pod !== undefined) {
    extra["authentication.kubernetes.io/pod-name"] = [pod.name];
    extra["authentication.kubernetes.io/pod-uid"] = [pod.uid];
  }
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, AUTHENTICATED],
    extra,
  };
}
