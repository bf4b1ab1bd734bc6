import { SECRETS, SERVICE_ACCOUNTS } from "#api/builtin.ts";
import { ACCOUNT_NAME, ACCOUNT_UID, type LegacyTokenClaims, legacyTokenClaims, TOKEN_SECRET_TYPE } from "#api/core-v1/legacy-token.ts";
import type { Secret, ServiceAccount } from "#api/core-v1/types.ts";
import { keyOf, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";

export interface TokenSecretOptions {
  /** PEM; what the token's bearer is to trust. */
  readonly rootCa: string;
  readonly signToken: (claims: LegacyTokenClaims) => string;
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

/**
 * Fills Secrets of type `kubernetes.io/service-account-token` with a token of the account that they name, and deletes those
 * of accounts that are not there, or not any more.
 *
 * @see kubernetes pkg/controller/serviceaccount/tokens_controller.go
 */
export function startTokenSecrets(deps: ControllerDeps, options: TokenSecretOptions): void {
  const secretsOf = ({ metadata, secrets: references = [] }: ServiceAccount) => references.map(({ name }) => `${metadata.namespace}/${name}`);
  const accounts = deps.informers.informer(SERVICE_ACCOUNTS, { secretsOf });
  const ofAccount = ({ metadata }: Secret) => [`${metadata.namespace}/${metadata.annotations?.[ACCOUNT_NAME] ?? ""}`];
  const secrets = deps.informers.informer(SECRETS, { ofAccount }, { fieldSelector: `type=${TOKEN_SECRET_TYPE}` });
  const sync = async (key: ObjectKey) => {
    const secret = secrets.get(key);
    if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) return;
    const account = await accountOf(deps, secret, (name) => accounts.get(name));
    if (account === undefined) await remove(deps, secret);
    else await fill(deps, secret, account, options);
  };
  const queue = queueFor(deps, { name: "serviceaccount_tokens_secret", sync });
  secrets.onChange({
    added: (secret) => queue.add(keyOf(secret)),
    updated: (secret) => queue.add(keyOf(secret)),
    deleted: (secret) => references.add(keyOf(secret)),
  });
  accounts.onChange({
    deleted: (account) => {
      for (const secret of secrets.byIndex("ofAccount", keyOf(account))) queue.add(keyOf(secret));
    },
  });
  const forget = async (key: ObjectKey) => {
    if (secrets.get(key) !== undefined) return;
    for (const account of accounts.byIndex("secretsOf", key)) {
      const kept = account.secrets?.filter(({ name }) => `${account.metadata.namespace}/${name}` !== key);
      await deps.client.update(SERVICE_ACCOUNTS, { ...account, secrets: kept });
    }
  };
  const references = queueFor(deps, { name: "serviceaccount_tokens_reference", sync: forget });
}

/** The account that a Secret names, if it is still the one that the Secret was made for; looked up live before a Secret is given up. */
async function accountOf(
  { client }: ControllerDeps,
  { metadata: { namespace, annotations = {} } }: Secret,
  known: (key: ObjectKey) => ServiceAccount | undefined,
): Promise<ServiceAccount | undefined> {
  const name = annotations[ACCOUNT_NAME] ?? "";
  const uid = annotations[ACCOUNT_UID] || undefined;
  const isSame = (account: ServiceAccount | undefined) => account !== undefined && (uid === undefined || account.metadata.uid === uid);
  const found = known(`${namespace}/${name}`);
  if (isSame(found)) return found;
  try {
    const live = await client.get(SERVICE_ACCOUNTS, { namespace, name });
    return isSame(live) ? live : undefined;
  } catch (error) {
    if (isStatus(error, "NotFound")) return undefined;
    throw error;
  }
}

async function remove({ client }: ControllerDeps, { metadata }: Secret): Promise<void> {
  try {
    await client.delete(SECRETS, metadata, { preconditions: { uid: metadata.uid } });
  } catch (error) {
    if (!isStatus(error, "NotFound") && !isStatus(error, "Conflict")) throw error;
  }
}

async function fill({ client }: ControllerDeps, secret: Secret, account: ServiceAccount, { rootCa, signToken }: TokenSecretOptions): Promise<void> {
  const { token, namespace, "ca.crt": ca } = secret.data ?? {};
  if (token && namespace && ca === base64(rootCa)) return;
  const { metadata } = secret;
  const data = {
    ...secret.data,
    "ca.crt": base64(rootCa),
    namespace: namespace || base64(metadata.namespace ?? ""),
    token: token || base64(signToken(legacyTokenClaims(account, secret))),
  };
  const annotations = { ...metadata.annotations, [ACCOUNT_NAME]: account.metadata.name, [ACCOUNT_UID]: account.metadata.uid ?? "" };
  try {
    await client.update(SECRETS, { ...secret, metadata: { ...metadata, annotations }, data });
  } catch (error) {
    // Whoever changed or deleted it meanwhile brings it here again.
    if (!isStatus(error, "NotFound") && !isStatus(error, "Conflict")) throw error;
  }
}
