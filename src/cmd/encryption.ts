import type { PlainHandler } from "#apiserver/http/plain.ts";
import { SkiffError } from "#cli/errors.ts";
import { SECRETS_ENCRYPTION_PATH } from "#cli/secrets-encrypt.ts";
import { KeyFileError } from "#storage/encryption/key-file.ts";
import { SecretsEncryption } from "#storage/encryption/secrets-encryption.ts";
import type { Store } from "#storage/store.ts";
import type { ServerConfig } from "./server-config.ts";

/** Secrets encrypted on their way into the store, whichever it is. Closes it when that fails. @throws {SkiffError} */
export async function openEncryption(store: Store, config: Pick<ServerConfig, "encryptionKeys" | "secretsEncryption">): Promise<SecretsEncryption> {
  try {
    return SecretsEncryption.open(store, config.encryptionKeys, config.secretsEncryption);
  } catch (error) {
    await store.close();
    if (error instanceof KeyFileError) throw new SkiffError("SKF-1702", error.message);
    throw error;
  }
}

/** For `skiff secrets-encrypt`: only administrators may ask for paths that nobody else is given. */
export function encryptionHandler(encryption: Pick<SecretsEncryption, "status" | "rotate">): PlainHandler {
  return async ({ method, path }) => {
    if (path !== SECRETS_ENCRYPTION_PATH) return undefined;
    const answer = method === "POST" ? await encryption.rotate() : await encryption.status();
    return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(answer) };
  };
}
