import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeWhole } from "#lib/whole-file.ts";
import type { EncryptionKey } from "./value-cipher.ts";

const KEY_BYTES = 32;
const RESOURCES = ["secrets"];

/** The key file is not one of ours, or has been damaged. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

/** The keys in a file that is an EncryptionConfiguration of upstream's: the first one encrypts. Readable by its owner alone. */
export class KeyFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * None when there is no file.
   *
   * @throws {KeyFileError}
   */
  read(): readonly EncryptionKey[] {
    if (!existsSync(this.path)) return [];
    try {
      return parseKeys(JSON.parse(readFileSync(this.path, "utf8")));
    } catch (error) {
      throw new KeyFileError(`the keys for secrets in ${this.path} cannot be used: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Either the old or the new keys are there after a crash, and the new ones when this has returned. */
  write(keys: readonly EncryptionKey[]): void {
    writeWhole(this.path, `${JSON.stringify(configuration(keys), undefined, 2)}\n`);
  }
}

export function newKey(): EncryptionKey {
  return { name: `key-${randomBytes(4).toString("hex")}`, secret: randomBytes(KEY_BYTES) };
}

function configuration(keys: readonly EncryptionKey[]): unknown {
  const aesgcm = { keys: keys.map(({ name, secret }) => ({ name, secret: Buffer.from(secret).toString("base64") })) };
  return {
    kind: "EncryptionConfiguration",
    apiVersion: "apiserver.config.k8s.io/v1",
    resources: [{ resources: RESOURCES, providers: [{ aesgcm }, { identity: {} }] }],
  };
}

interface Configuration {
  readonly kind?: string;
  readonly resources?: readonly {
    readonly resources: readonly string[];
    readonly providers: readonly {
      readonly aesgcm?: { readonly keys: readonly { readonly name: string; readonly secret: string }[] };
      readonly identity?: object;
    }[];
  }[];
}

function parseKeys(configured: Configuration): EncryptionKey[] {
  const [rule, ...more] = configured.resources ?? [];
  if (configured.kind !== "EncryptionConfiguration" || rule === undefined || more.length > 0 || rule.resources.join() !== RESOURCES.join())
    throw new Error("it is no EncryptionConfiguration for secrets alone");
  const keys = rule.providers.flatMap((provider) => {
    if (provider.identity !== undefined) return [];
    if (provider.aesgcm === undefined) throw new Error(`the provider ${Object.keys(provider).join()} is unknown; aesgcm and identity are known`);
    return provider.aesgcm.keys.map(({ name, secret }) => ({ name, secret: Buffer.from(secret, "base64") }));
  });
  const wrong = keys.find(({ name, secret }) => name === "" || name.includes(":") || secret.length !== KEY_BYTES);
  if (keys.length === 0 || wrong !== undefined) throw new Error(wrong === undefined ? "it has no key" : `the key ${wrong.name} is none of ${KEY_BYTES} bytes`);
  return keys;
}
