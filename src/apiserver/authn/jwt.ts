import { createHash, createPublicKey, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** The claims of a service account's token. */
export interface TokenClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly iss: string;
  readonly jti: string;
  readonly sub: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid: string };
    readonly pod?: { readonly name: string; readonly uid: string };
    readonly node?: { readonly name: string; readonly uid?: string };
    readonly secret?: { readonly name: string; readonly uid: string };
    readonly warnafter?: number;
  };
}

/** Signs and verifies ES256 tokens with one P-256 key. */
export class JwtKey {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly keyId: string;

  constructor(privateKey: KeyObject) {
    this.#private = privateKey;
    this.#public = createPublicKey(privateKey);
    const der = this.#public.export({ format: "der", type: "spki" });
    this.keyId = createHash("sha256").update(der).digest("base64url");
  }

  /** The public half, as key sets have it. */
  publicJwk(): object {
    const { kty, crv, x, y } = this.#public.export({ format: "jwk" });
    return { use: "sig", kty, kid: this.keyId, crv, alg: "ES256", x, y };
  }

  sign(claims: object): string {
    const header = encoded({ alg: "ES256", kid: this.keyId });
    const content = `${header}.${encoded(claims)}`;
    const signature = sign("sha256", Buffer.from(content), { key: this.#private, dsaEncoding: "ieee-p1363" });
    return `${content}.${signature.toString("base64url")}`;
  }

  /** @returns the claims of a token that this key signed, whatever its times; `undefined` otherwise */
  verify(token: string): TokenClaims | undefined {
    const [header, payload, signature, more] = token.split(".");
    if (header === undefined || payload === undefined || signature === undefined || more !== undefined) return undefined;
    if ((decoded(header) as { alg?: unknown } | undefined)?.alg !== "ES256") return undefined;
    const key = { key: this.#public, dsaEncoding: "ieee-p1363" } as const;
    if (!verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"))) return undefined;
    return decoded(payload) as TokenClaims | undefined;
  }
}

/** What a token says, whoever wrote it. */
export function unverifiedClaims(token: string): Partial<TokenClaims> | undefined {
  const [, payload, signature] = token.split(".");
  return payload === undefined || signature === undefined ? undefined : (decoded(payload) as Partial<TokenClaims> | undefined);
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function decoded(text: string): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
