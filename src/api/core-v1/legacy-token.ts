import type { Secret, ServiceAccount } from "./types.ts";

export const LEGACY_ISSUER = "kubernetes/serviceaccount";
export const TOKEN_SECRET_TYPE = "kubernetes.io/service-account-token";
export const ACCOUNT_NAME = "kubernetes.io/service-account.name";
export const ACCOUNT_UID = "kubernetes.io/service-account.uid";

/** What the token of a Secret says: for whom it is, and in which Secret it stands. It does not end by itself. */
export interface LegacyTokenClaims {
  readonly iss: string;
  readonly "kubernetes.io/serviceaccount/namespace": string;
  readonly "kubernetes.io/serviceaccount/secret.name": string;
  readonly "kubernetes.io/serviceaccount/service-account.name": string;
  readonly "kubernetes.io/serviceaccount/service-account.uid": string;
  readonly sub: string;
}

/** @see kubernetes pkg/serviceaccount/legacy.go LegacyClaims */
export function legacyTokenClaims({ metadata: account }: ServiceAccount, { metadata: secret }: Secret): LegacyTokenClaims {
  const namespace = account.namespace ?? "";
  return {
    iss: LEGACY_ISSUER,
    "kubernetes.io/serviceaccount/namespace": namespace,
    "kubernetes.io/serviceaccount/secret.name": secret.name,
    "kubernetes.io/serviceaccount/service-account.name": account.name,
    "kubernetes.io/serviceaccount/service-account.uid": account.uid ?? "",
    sub: `system:serviceaccount:${namespace}:${account.name}`,
  };
}
