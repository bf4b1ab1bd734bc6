import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { createMemoryStore } from "../memory/memory-store.ts";
import { openSqliteStore } from "../sqlite/sqlite-store.ts";
import type { Store } from "../store.ts";
import { testStoreContract } from "../testing/contract.ts";
import { EncryptedStore } from "./encrypted-store.ts";
import { KeyFile, KeyFileError, newKey } from "./key-file.ts";
import { SecretsEncryption } from "./secrets-encryption.ts";
import { ValueCipher } from "./value-cipher.ts";
import { quickFolder } from "../testing/quick-folder.ts";

const directory = quickFolder("skiff-encryption-");
after(() => rmSync(directory, { recursive: true }));
let files = 0;
const newFile = () => join(directory, `${files++}`, "cred", "keys.json");

testStoreContract({ name: "encrypted store", open: async () => new EncryptedStore(createMemoryStore(), "/registry/", new ValueCipher([newKey()])) });

const SECRET = "a value that nobody may read";
const keyOf = (name: string) => `/registry/secrets/default/${name}`;
const put = (store: Store, name: string, text = SECRET) => store.commit([{ key: keyOf(name), value: Buffer.from(`{"data":"${text}"}`), expected: undefined }]);
const read = async (store: Store, name: string) => Buffer.from((await store.get(keyOf(name)))!.value).toString();

test("SecretsEncryption.open() makes a key that its owner alone may read, once", () => {
  const file = newFile();
  SecretsEncryption.open(createMemoryStore(), file, true);
  const written = readFileSync(file, "utf8");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(written).resources[0].resources, ["secrets"]);
  SecretsEncryption.open(createMemoryStore(), file, true);
  assert.equal(readFileSync(file, "utf8"), written);
  const without = newFile();
  SecretsEncryption.open(createMemoryStore(), without, false);
  assert.equal(existsSync(without), false);
});

for (const { name, text } of [
  { name: "is cut", text: '{"kind":"EncryptionConf' },
  { name: "is for other resources", text: JSON.stringify({ kind: "EncryptionConfiguration", resources: [{ resources: ["configmaps"], providers: [] }] }) },
  {
    name: "has another provider",
    text: JSON.stringify({ kind: "EncryptionConfiguration", resources: [{ resources: ["secrets"], providers: [{ kms: {} }] }] }),
  },
  {
    name: "has a short key",
    text: JSON.stringify({
      kind: "EncryptionConfiguration",
      resources: [{ resources: ["secrets"], providers: [{ aesgcm: { keys: [{ name: "a", secret: "YQ==" }] } }] }],
    }),
  },
]) {
  test(`SecretsEncryption.open() refuses a key file that ${name}, and makes no other`, () => {
    const file = newFile();
    new KeyFile(file).write([newKey()]);
    writeFileSync(file, text);
    assert.throws(
      () => SecretsEncryption.open(createMemoryStore(), file, true),
      (error) => error instanceof KeyFileError && error.message.includes(file),
    );
    assert.equal(readFileSync(file, "utf8"), text);
  });
}

test("secrets stand nowhere in database and log as they are; what was plain before is gone after a rotation, history too", async () => {
  const file = newFile();
  const path = join(directory, "plain.db");
  const store = await openSqliteStore({ path });
  const find = (text: string) => ["", "-wal"].some((end) => existsSync(path + end) && readFileSync(path + end).includes(text));
  const encryption = SecretsEncryption.open(store, file, true);
  await put(encryption.store, "new");
  assert.equal(find(SECRET), false);
  assert.equal(await read(encryption.store, "new"), `{"data":"${SECRET}"}`);
  for (let i = 0; i < 20; i++) await put(store, "old"); // written before there was a key
  assert.equal(find(SECRET), true);
  assert.deepEqual((await encryption.status()).values, { current: 1, stale: 0, plain: 1, unreadable: 0 });
  await put(encryption.store, "gone");
  const { activeKey } = await encryption.status();
  const { rewritten, resumed } = await encryption.rotate();
  assert.deepEqual([rewritten, resumed], [3, false]);
  assert.deepEqual([find(SECRET), find(`:${activeKey}:`)], [false, false]);
  assert.deepEqual([await read(encryption.store, "old"), (await encryption.status()).keys.length], [`{"data":"${SECRET}"}`, 1]);
  await encryption.store.close();
});

test("a Secret whose bytes were copied to another key, or damaged, fails by itself; the others can be read and rotated", async () => {
  const store = createMemoryStore();
  const encryption = SecretsEncryption.open(store, newFile(), true);
  for (const name of ["good", "victim", "broken"]) await put(encryption.store, name, name);
  await store.commit([{ key: keyOf("victim"), value: (await store.get(keyOf("good")))!.value, expected: undefined }]);
  const broken = Buffer.from((await store.get(keyOf("broken")))!.value);
  broken[broken.length - 20]! ^= 1;
  await store.commit([{ key: keyOf("broken"), value: broken, expected: undefined }]);
  const { entries } = await encryption.store.list("/registry/");
  const readable = entries.filter((entry) => {
    try {
      return entry.value.length > 0;
    } catch (error) {
      assert.match(String(error), /unable to transform key "\/registry\/secrets\/default\/(victim|broken)": cipher: message authentication failed/);
      return false;
    }
  });
  assert.deepEqual(
    readable.map(({ key }) => key),
    [keyOf("good")],
  );
  const { unreadable, rewritten } = await encryption.rotate();
  assert.deepEqual([unreadable, rewritten], [2, 1]);
  assert.equal((await encryption.status()).keys.length, 2, "the old key stays: it may help to mend them");
});

/** Throws at its `n`-th step, as a process that is killed there: what follows does not happen. */
function failing(store: Store, steps: { left: number }): Store {
  const step = <T>(run: () => Promise<T>): Promise<T> => (steps.left-- > 0 ? run() : Promise.reject(new Error("killed")));
  return {
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    commit: (ops) => step(() => store.commit(ops)),
    get: (key) => store.get(key),
    list: (prefix, options) => step(() => store.list(prefix, options)),
    watch: (prefix, after, sink) => store.watch(prefix, after, sink),
    compact: (revision) => step(() => store.compact(revision)),
    close: () => store.close(),
  };
}

test("a rotation that ends at any of its steps loses nothing, and the next one finishes it", async () => {
  for (let killedAt = 0, isFinished = false; !isFinished; killedAt++) {
    const store = createMemoryStore();
    const file = newFile();
    const first = SecretsEncryption.open(store, file, true);
    for (let i = 0; i < 4; i++) await put(first.store, `${i}`, `${i}`);
    const { activeKey } = await first.status();
    isFinished = await SecretsEncryption.open(failing(store, { left: killedAt }), file, true)
      .rotate()
      .then(
        () => true,
        () => false,
      );
    const again = SecretsEncryption.open(store, file, true);
    for (let i = 0; i < 4; i++) assert.equal(await read(again.store, `${i}`), `{"data":"${i}"}`, `after step ${killedAt}`);
    const { resumed } = await again.rotate();
    assert.equal(resumed, !isFinished);
    const { keys, values } = await again.status();
    assert.deepEqual([keys.length, keys.includes(activeKey!), values.current], [1, false, 4]);
    for (let i = 0; i < 4; i++) assert.equal(await read(again.store, `${i}`), `{"data":"${i}"}`);
  }
});

test("writers go on during a rotation; afterwards everything is under the new key", async () => {
  const encryption = SecretsEncryption.open(createMemoryStore(), newFile(), true);
  for (let i = 0; i < 50; i++) await put(encryption.store, `${i}`);
  const rotation = encryption.rotate();
  const writes = Promise.all(Array.from({ length: 200 }, (_, i) => put(encryption.store, `${i % 60}`, `later ${i}`)));
  await Promise.all([rotation, writes]);
  assert.deepEqual((await encryption.status()).values, { current: 60, stale: 0, plain: 0, unreadable: 0 });
  assert.equal(await read(encryption.store, "19"), '{"data":"later 199"}');
});

test("switched off, it reads what was encrypted, and writes plain values", async () => {
  const store = createMemoryStore();
  const file = newFile();
  await put(SecretsEncryption.open(store, file, true).store, "a");
  const off = SecretsEncryption.open(store, file, false);
  assert.equal(await read(off.store, "a"), `{"data":"${SECRET}"}`);
  await put(off.store, "b");
  assert.ok(Buffer.from((await store.get(keyOf("b")))!.value).includes(SECRET));
  assert.deepEqual((await off.status()).values, { current: 1, stale: 0, plain: 1, unreadable: 0 });
  await assert.rejects(off.rotate(), { code: 400, message: /switched off/ });
  assert.equal(await read(off.store, "a"), `{"data":"${SECRET}"}`);
});
