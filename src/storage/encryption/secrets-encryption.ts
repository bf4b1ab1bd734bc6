import { statusError } from "#apimachinery/status-error.ts";
import type { Store } from "../store.ts";
import { EncryptedStore, type ValueCounts } from "./encrypted-store.ts";
import { KeyFile, newKey } from "./key-file.ts";
import { ValueCipher } from "./value-cipher.ts";

export interface EncryptionStatus {
  readonly enabled: boolean;
  /** The name of the key that encrypts. */
  readonly activeKey: string | undefined;
  /** Names; more than one: a rotation was interrupted, or could not be finished. */
  readonly keys: readonly string[];
  readonly values: ValueCounts;
}

export interface Rotation {
  readonly activeKey: string;
  /** It went on with a rotation that was interrupted, and so made no key of its own. */
  readonly resumed: boolean;
  readonly rewritten: number;
  /** Old keys stay as long as there are some: a key may be what it takes to mend them. */
  readonly unreadable: number;
}

const SECRETS = "/registry/secrets/";

/** The encryption of Secrets in a store: its keys, and their rotation while the server runs. */
export class SecretsEncryption {
  /** What the server works with. */
  readonly store: EncryptedStore;
  readonly #file: KeyFile;
  readonly #cipher: ValueCipher;
  #rotating: Promise<unknown> = Promise.resolve();

  /**
   * Makes the first key when there is none. Disabled, it reads what has been encrypted, and writes plain values.
   *
   * @throws {KeyFileError}
   */
  static open(store: Store, keyFile: string, isEnabled: boolean): SecretsEncryption {
    const file = new KeyFile(keyFile);
    let keys = file.read();
    if (keys.length === 0 && isEnabled) {
      keys = [newKey()];
      file.write(keys);
    }
    return new SecretsEncryption(store, file, new ValueCipher(keys, isEnabled));
  }

  private constructor(store: Store, file: KeyFile, cipher: ValueCipher) {
    this.store = new EncryptedStore(store, SECRETS, cipher);
    this.#file = file;
    this.#cipher = cipher;
  }

  async status(): Promise<EncryptionStatus> {
    const { keys, isWriting } = this.#cipher;
    const names = keys.map(({ name }) => name);
    return { enabled: isWriting, activeKey: isWriting ? names[0] : undefined, keys: names, values: await this.store.count() };
  }

  /**
   * Makes a new key, writes every Secret under it, and forgets the old one with all that it had encrypted. Whenever it is
   * interrupted, the file has every key that a value needs, and the next call goes on.
   *
   * @throws {StatusError} 400 while encryption is switched off
   */
  rotate(): Promise<Rotation> {
    const rotation = this.#rotating.then(() => this.#rotate());
    this.#rotating = rotation.catch(() => undefined);
    return rotation;
  }

  async #rotate(): Promise<Rotation> {
    if (!this.#cipher.isWriting) throw statusError.badRequest("encryption is switched off: no key encrypts, so there is none to change");
    const resumed = this.#cipher.keys.length > 1;
    if (!resumed) this.#use([newKey(), ...this.#cipher.keys]);
    const [active] = this.#cipher.keys;
    const rewritten = await this.store.rewrite();
    await this.store.compact(this.store.revision()); // the history has values under the old keys
    await this.store.scrub();
    const { unreadable } = await this.store.count();
    if (unreadable === 0) this.#use([active!]);
    return { activeKey: active!.name, resumed, rewritten, unreadable };
  }

  /** The file first: no value may be under a key that is not there after a crash. */
  #use(keys: ValueCipher["keys"]): void {
    this.#file.write(keys);
    this.#cipher.use(keys);
  }
}
