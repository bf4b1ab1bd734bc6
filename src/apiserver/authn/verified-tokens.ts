import { createHash } from "node:crypto";

import { type JwtKey, unverifiedClaims } from "#apiserver/authn/jwt.ts";

/** How many signatures are remembered as good. */
const REMEMBERED = 4096;

/** The claims of one issuer's tokens; a signature is verified once, and remembered by the token's hash. */
export class VerifiedTokens<Claims extends object> {
  readonly #key: JwtKey;
  readonly #issuer: string;
  readonly #verified = new Map<string, Claims>();

  constructor(key: JwtKey, issuer: string) {
    this.#key = key;
    this.#issuer = issuer;
  }

  /** Whether a token says that it is this issuer's; another's is none of ours, whoever signed it. */
  isOurs(token: string): boolean {
    return unverifiedClaims(token)?.iss === this.#issuer;
  }

  /** @returns `undefined` unless the token is this issuer's, and its signature holds */
  claimsOf(token: string): Claims | undefined {
    const hash = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(hash);
    if (known !== undefined) return known;
    const claims = this.isOurs(token) ? (this.#key.verify(token) as Claims | undefined) : undefined;
    if (claims === undefined) return undefined;
    if (this.#verified.size >= REMEMBERED) this.#verified.clear();
    this.#verified.set(hash, claims);
    return claims;
  }
}
