import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Store, StoreFullError } from "../store.ts";
import { seededRng } from "#lib/rng.ts";
import { testStoreContract } from "../testing/contract.ts";
import { metaChecksum } from "./schema.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { quickFolder } from "../testing/quick-folder.ts";

const directory = quickFolder("skiff-store-");
after(() => rmSync(directory, { recursive: true }));

let files = 0;
const paths = new WeakMap<Store, string>();
const newPath = () => join(directory, `${files++}.db`);

async function open(path = newPath()): Promise<Store> {
  const store = await openSqliteStore({ path });
  paths.set(store, path);
  return store;
}

testStoreContract({
  name: "SQLite store",
  open,
  async reopen(store) {
    await store.close();
    return open(paths.get(store)!);
  },
});

const value = Buffer.alloc(1500, "x");
const put = (name: string, bytes = value) => [{ key: `/registry/${name}`, value: bytes, expected: undefined }];

test("a copy of the files of an open store opens with all that was acknowledged", async () => {
  const path = newPath();
  const store = await open(path);
  for (let i = 0; i < 20; i++) await store.commit(put(`${i}`));
  const copy = newPath();
  for (const end of ["", "-wal"]) copyFileSync(path + end, copy + end);
  await store.close();
  const again = await open(copy);
  assert.equal((await again.list("/registry/")).entries.length, 20);
  await again.close();
});

test("a full store refuses writes and takes them again when there is room; reads go on", async () => {
  const store = await openSqliteStore({ path: newPath(), maxBytes: 300_000 });
  const results = await Promise.allSettled(Array.from({ length: 400 }, (_, i) => store.commit(put(`${i}`))));
  assert.ok(results.every((result) => result.status === "rejected" && result.reason instanceof StoreFullError));
  assert.equal(store.revision(), 0);
  let written = 0;
  await assert.rejects(async () => {
    for (; ; written++) await store.commit(put(`${written % 10}`));
  }, StoreFullError);
  assert.equal(store.revision(), written);
  assert.equal((await store.list("/registry/")).entries.length, 10);
  await store.compact(store.revision());
  assert.deepEqual(await store.commit(put("more")), { ok: true, revision: written + 1 });
  await store.close();
});

test("compaction bounds the file and its log", async () => {
  const path = newPath();
  const store = await open(path);
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 1000 }, (_, i) => store.commit(put(`${i % 100}`))));
    await store.compact(store.revision());
  }
  assert.ok(statSync(path).size < 8_000_000, `${statSync(path).size} bytes`);
  assert.ok(statSync(`${path}-wal`).size < 20_000_000, `${statSync(`${path}-wal`).size} bytes of log`);
  assert.equal((await store.list("/registry/")).entries.length, 100);
  await store.close();
});

test("updates in any order leave a file and a log of at most three times what is there, without anybody's compaction; one in quiet, half more", async () => {
  const path = newPath();
  const store = await open(path);
  const rng = seededRng(7);
  const [keys, updates] = [3000, 40_000];
  for (let i = 0; i < updates; i += 500) {
    const names = Array.from({ length: 500 }, (_, j) => (i + j < keys ? i + j : Math.floor(rng() * keys)));
    await Promise.all(names.map((name) => store.commit(put(`${name}`))));
  }
  const live = keys * (value.length + 14);
  const bounds = live + 2 * 4 * 1024 * 1024; // log and history have a size of their own, which counts for small databases
  const sizes = () => statSync(path).size + statSync(`${path}-wal`).size;
  assert.ok(sizes() < 2 * live + bounds, `${sizes() / live} times`);
  assert.ok(store.compactedRevision() > updates / 2);
  await store.compact(store.revision());
  assert.ok((await pageBytes(path)) < 1.5 * live, `${(await pageBytes(path)) / live} times`);
  assert.equal((await store.list("/registry/")).entries.length, keys);
  await store.close();
  const again = await open(path);
  assert.equal((await again.list("/registry/")).entries.length, keys);
  await again.close();
});

async function pageBytes(path: string): Promise<number> {
  const db = new DatabaseSync(path, { readOnly: true });
  const [pages] = Object.values(db.prepare("PRAGMA page_count").get()!);
  db.close();
  return Number(pages) * 8192;
}

test("a compaction that was interrupted after its first step is finished by the next", async () => {
  const path = newPath();
  const store = await open(path);
  for (let i = 0; i < 30; i++) await store.commit(put(`${i % 3}`));
  await store.commit([{ key: "/registry/0", value: undefined, expected: undefined }]);
  await store.close();
  const db = new DatabaseSync(path);
  db.exec(`UPDATE meta SET value = 31, checksum = ${metaChecksum("compacted", 31)} WHERE name = 'compacted'; DELETE FROM changes WHERE id < 5`);
  const again = await open(path);
  const keys = async () => (await again.list("/registry/")).entries.map(({ key, modRevision }) => `${key} ${modRevision}`);
  assert.deepEqual(await keys(), ["/registry/1 29", "/registry/2 30"]);
  assert.deepEqual(await again.commit([{ key: "/registry/0", value, expected: 0 }]), { ok: true, revision: 32 });
  await again.compact(32);
  assert.deepEqual(await keys(), ["/registry/0 32", "/registry/1 29", "/registry/2 30"]);
  assert.deepEqual({ ...db.prepare("SELECT count(*) AS rows FROM changes").get() }, { rows: 3 });
  db.close();
  await again.close();
});

test("what a process acknowledged before SIGKILL is there, and revisions never fall", async () => {
  const path = newPath();
  let acknowledged = 0;
  for (let round = 0; round < 4; round++) {
    acknowledged = Math.max(acknowledged, await killAfter(path, 150 + round * 100));
    const store = await open(path);
    assert.ok(store.revision() >= acknowledged, `${store.revision()} is below ${acknowledged}`);
    const { entries, revision } = await store.list("/registry/");
    assert.ok(entries.every((entry) => entry.modRevision <= revision && entry.createRevision <= entry.modRevision));
    await store.watch("/registry/", Math.max(revision - 50, acknowledged - 50, 0), (events) => assert.equal(events.at(-1)!.revision, revision));
    acknowledged = store.revision();
    await store.close();
  }
});

/** Runs a writing process until it has acknowledged `lines` more revisions, and kills it; gives the highest of them. */
async function killAfter(path: string, lines: number): Promise<number> {
  const program = fileURLToPath(new URL("../testing/write-until-killed.ts", import.meta.url));
  const child = spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let highest = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    highest = Math.max(highest, Number(line));
    if (++seen === lines) child.kill("SIGKILL");
  }
  const [, signal] = await exited;
  assert.equal(signal, "SIGKILL");
  return highest;
}
