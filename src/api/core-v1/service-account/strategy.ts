import type { ServiceAccount } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

const MOUNTABLE_ONLY = "kubernetes.io/enforce-mountable-secrets";

/** @see kubernetes pkg/registry/core/serviceaccount/strategy.go */
export const serviceAccountStrategy: Strategy<ServiceAccount> = {
  prepareForCreate: keepSecretNames,
  prepareForUpdate: keepSecretNames,
  warningsOnCreate: warnings,
  warningsOnUpdate: (account, { metadata }) => (metadata.annotations?.[MOUNTABLE_ONLY] === undefined ? warnings(account) : []),
};

/** Of a reference to a secret only the name means anything. */
function keepSecretNames(account: Mutable<ServiceAccount>): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}

function warnings({ metadata }: ServiceAccount): string[] {
  if (metadata.annotations?.[MOUNTABLE_ONLY] === undefined) return [];
  return [`metadata.annotations[${MOUNTABLE_ONLY}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`];
}
