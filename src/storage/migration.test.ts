import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { silentLogger } from "#lib/logger.ts";
import { systemClock } from "#lib/system-clock.ts";
import { type Etcd, startEtcd } from "#test/etcd/etcd.ts";
import { UnfinishedMigrationError } from "./etcd/errors.ts";
import { type EtcdStoreOptions, openEtcdStore } from "./etcd/etcd-store.ts";
import { EtcdTarget } from "./etcd/etcd-target.ts";
import { migrate, type MigrationTarget, SourceChangedError, TargetNotEmptyError } from "./migration.ts";
import { openSqliteStore } from "./sqlite/sqlite-store.ts";
import { SqliteTarget } from "./sqlite/sqlite-target.ts";
import { CompactedError, type Entry, type Store, StoreFullError, type WriteOp } from "./store.ts";
import { quickFolder } from "./testing/quick-folder.ts";

const ROOT = "/registry/";
const folder = quickFolder("skiff-migration-");
let etcd: Etcd;
let options: EtcdStoreOptions;
let files = 0;
before(async () => {
  etcd = await startEtcd();
  options = { endpoints: etcd.endpoints, clock: systemClock, logger: silentLogger, onLost: assert.ifError };
});
after(async () => {
  await etcd.stop();
  rmSync(folder, { recursive: true });
});

const newPath = () => join(folder, `${files++}.db`);
const put = (name: string, value: string | Uint8Array): WriteOp => ({ key: ROOT + name, value: Buffer.from(value), expected: undefined });
const contentOf = async (store: Store) => (await store.list(ROOT)).entries.map(({ key, value }) => [key, Buffer.from(value).toString("hex")]);

/** A store with objects of all sizes, some written often, some deleted. */
async function filledFile(writes = 700): Promise<string> {
  const path = newPath();
  const store = await openSqliteStore({ path });
  await Promise.all(Array.from({ length: writes }, (_, i) => store.commit([put(`configmaps/default/c${i % 300}`, `{"n":${i}}`)])));
  await store.commit([put("secrets/default/big", Buffer.alloc(1_200_000, 7)), put("secrets/default/zero", ""), put("é/\u{1F600}", "{}")]);
  await store.commit([{ key: `${ROOT}configmaps/default/c0`, value: undefined, expected: undefined }]);
  await store.close();
  return path;
}

/** What is in etcd goes. */
async function emptyEtcd(): Promise<void> {
  const store = await openEtcdStore({ ...options, unfinished: true });
  for (const { key } of (await store.list("/")).entries) await store.commit([{ key, value: undefined, expected: undefined }]);
  await store.close();
}

async function toEtcd(path: string, target: MigrationTarget = new EtcdTarget(options)) {
  const source = await openSqliteStore({ path });
  try {
    return await migrate(source, path, target);
  } finally {
    await target.close();
    await source.close();
  }
}

test("migrate() to etcd and back keeps every key and value; no revision falls", async () => {
  await emptyEtcd();
  const path = await filledFile();
  const report = await toEtcd(path);
  assert.equal(report.entries, 302);
  const file = await openSqliteStore({ path });
  const [content, revision] = [await contentOf(file), file.revision()];
  await file.close();

  const store = await openEtcdStore(options);
  assert.deepEqual(await contentOf(store), content);
  const { entries, revision: moved } = await store.list(ROOT);
  assert.ok(
    entries.every(({ modRevision }) => modRevision > revision),
    "what clients have seen lies in the past",
  );
  await assert.rejects(
    store.watch(ROOT, revision, () => {}),
    CompactedError,
  );

  const back = newPath();
  const target = new SqliteTarget(back);
  const returned = await migrate(store, "etcd", target);
  assert.deepEqual([returned.sha256, returned.entries], [report.sha256, report.entries]);
  await store.close();
  const again = await openSqliteStore({ path: back });
  const same = ({ key, createRevision, modRevision }: Entry) => [key, createRevision, modRevision];
  assert.deepEqual((await again.list(ROOT)).entries.map(same), entries.map(same));
  assert.equal(again.revision(), moved);
  const next = await again.commit([put("next", "{}")]);
  assert.deepEqual(next, { ok: true, revision: moved + 1 });
  await again.close();
});

test("SqliteTarget.complete() refuses a copy whose log could not be moved into the database", async () => {
  const path = newPath();
  const target = new SqliteTarget(path);
  await target.begin("x", 7);
  await target.put([{ key: `${ROOT}a`, value: Buffer.from("{}"), createRevision: 5, modRevision: 6 }]);
  await assert.rejects(target.complete(), StoreFullError);
  assert.ok(!existsSync(path));
  await target.close();
});

test("migrate() refuses a target that is not empty, and leaves it as it is", async () => {
  await emptyEtcd();
  const store = await openEtcdStore(options);
  await store.commit([put("pods/default/web", "{}")]);
  const path = await filledFile(3);
  await assert.rejects(toEtcd(path), TargetNotEmptyError);
  assert.deepEqual(await contentOf(store), [[`${ROOT}pods/default/web`, "7b7d"]]);
  await assert.rejects(migrate(store, "etcd", new SqliteTarget(path)), TargetNotEmptyError);
  await store.close();
});

test("a migration to etcd that was cut off leaves what cannot be opened, and the next one begins anew", async () => {
  await emptyEtcd();
  const path = await filledFile();
  const target = new EtcdTarget(options);
  const cut: MigrationTarget = {
    begin: (source, revision) => target.begin(source, revision),
    put: async (entries) => {
      await target.put(entries);
      throw new Error("cut off");
    },
    open: () => target.open(),
    complete: () => target.complete(),
    close: () => target.close(),
  };
  await assert.rejects(toEtcd(path, cut), /cut off/);
  await assert.rejects(openEtcdStore(options), (error) => error instanceof UnfinishedMigrationError && error.message.includes(path));
  await toEtcd(path);
  const store = await openEtcdStore(options);
  assert.equal((await contentOf(store)).length, 302);
  await store.close();
});

test("a migration to a file that was cut off leaves no file of that name", async () => {
  const source = await openSqliteStore({ path: await filledFile(3) });
  const path = newPath();
  const target = new SqliteTarget(path);
  await target.begin("x", source.revision());
  await target.put((await source.list(ROOT)).entries);
  await target.close();
  assert.ok(!existsSync(path) && existsSync(`${path}.migrating`));
  const again = new SqliteTarget(path);
  await migrate(source, "x", again);
  assert.ok(existsSync(path) && !existsSync(`${path}.migrating`));
  await source.close();
});

test("migrate() notices a write to the source, and a copy that is not the source", async () => {
  const source = await openSqliteStore({ path: await filledFile(3) });
  const target = new SqliteTarget(newPath());
  const during = (put: MigrationTarget["put"]): MigrationTarget => ({
    begin: (name, revision) => target.begin(name, revision),
    put,
    open: () => target.open(),
    complete: () => Promise.reject(new Error("complete")),
    close: () => target.close(),
  });
  const write = async (entries: readonly Entry[]) => {
    await source.commit([put("late", "{}")]);
    await target.put(entries);
  };
  await assert.rejects(migrate(source, "x", during(write)), SourceChangedError);
  const spoil = (entries: readonly Entry[]) => target.put(entries.map((entry) => ({ ...entry, value: Buffer.from("[]") })));
  await assert.rejects(migrate(source, "x", during(spoil)), /the copy is not what was copied/);
  await source.close();
});

for (const end of ["", "-wal"]) {
  test(`a file named as the target's${end === "" ? "" : " log"} is neither overwritten nor made part of it`, async () => {
    const path = newPath();
    writeFileSync(path + end, "mine");
    await assert.rejects(new SqliteTarget(path).begin("x", 1), TargetNotEmptyError);
  });
}
