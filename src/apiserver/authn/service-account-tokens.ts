import type { KubeObject } from "#apimachinery/object.ts";
import type { TokenAuthenticator, TokenRefused, TokenReviewed } from "#apiserver/authn/authenticator.ts";
import type { JwtKey, TokenClaims } from "#apiserver/authn/jwt.ts";
import { VerifiedTokens } from "#apiserver/authn/verified-tokens.ts";
import { goList } from "#apimachinery/go-list.ts";
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

/** Clocks of token issuer and verifier may differ by this much. */
const LEEWAY_S = 60;

/** Service-account tokens: signature, times, and that all they are bound to still stands. */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: ServiceAccountTokenOptions;
  readonly #verified: VerifiedTokens<TokenClaims>;

  constructor(options: ServiceAccountTokenOptions) {
    this.#options = options;
    this.#verified = new VerifiedTokens(options.key, options.issuer);
  }

  authenticate(token: string): UserInfo | undefined {
    const found = this.review(token, this.#options.audiences);
    return "user" in found ? found.user : undefined;
  }

  review(token: string, audiences: readonly string[]): TokenReviewed | TokenRefused {
    const claims = this.#verified.claimsOf(token);
    if (claims === undefined) return this.#verified.isOurs(token) ? { why: "go-jose/go-jose: error in cryptographic primitive" } : {};
    const aud = Array.isArray(claims.aud) ? claims.aud : [];
    const shared = aud.filter((audience) => audiences.includes(audience));
    if (shared.length === 0) return { why: `token audiences ${goList(aud)} is invalid for the target audiences ${goList(audiences)}` };
    const why = this.#outOfTime(claims) ?? this.#unbound(claims);
    return why === undefined ? { user: userOf(claims), audiences: shared } : { why };
  }

  #outOfTime({ exp, nbf, iat }: TokenClaims): string | undefined {
    const now = this.#options.clock.now() / 1000;
    if (nbf - LEEWAY_S > now) return "service account token is not valid yet";
    if (exp + LEEWAY_S < now) return "service account token has expired";
    return iat - LEEWAY_S > now ? "service account token is issued in the future" : undefined;
  }

  /** Why what the token is bound to does not stand any more. */
  #unbound(claims: TokenClaims): string | undefined {
    const bound = claims["kubernetes.io"];
    if (typeof bound?.serviceaccount?.name !== "string") return "service account token claims could not be validated due to unexpected validation error";
    const { namespace, serviceaccount, pod, secret, node } = bound;
    const account = this.#options.lookup("serviceaccounts", namespace, serviceaccount.name);
    if (account === undefined) return `serviceaccounts ${JSON.stringify(serviceaccount.name)} not found`;
    if (account.metadata.uid !== serviceaccount.uid) return `service account UID (${account.metadata.uid}) does not match claim (${serviceaccount.uid})`;
    if (this.#isLongDeleted(account)) return `service account ${namespace}/${serviceaccount.name} has been deleted`;
    return (
      this.#gone("secrets", namespace, secret, "secret UID (%) does not match service account secret ref claim (%)") ??
      this.#gone("pods", namespace, pod, "pod UID (%) does not match service account pod ref claim (%)") ??
      (pod === undefined ? this.#gone("nodes", "", node, "node UID (%) does not match service account node ref claim (%)") : undefined)
    );
  }

  #gone(plural: Parameters<ObjectLookup>[0], namespace: string, ref: BoundRef | undefined, mismatch: string): string | undefined {
    if (ref === undefined) return undefined;
    const object = this.#options.lookup(plural, namespace, ref.name);
    if (object === undefined) return "service account token has been invalidated";
    if (ref.uid !== undefined && object.metadata.uid !== ref.uid) return mismatch.replace("%", object.metadata.uid).replace("%", ref.uid);
    return this.#isLongDeleted(object) ? "service account token has been invalidated" : undefined;
  }

  #isLongDeleted({ metadata: { deletionTimestamp } }: KubeObject): boolean {
    return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < this.#options.clock.now() - LEEWAY_S * 1000;
  }
}

interface BoundRef {
  readonly name: string;
  readonly uid?: string;
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
