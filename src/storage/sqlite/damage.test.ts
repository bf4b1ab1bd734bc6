import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { Store } from "../store.ts";
import { CorruptStoreError } from "./schema.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { quickFolder } from "../testing/quick-folder.ts";

const directory = quickFolder("skiff-damage-");
after(() => rmSync(directory, { recursive: true }));

const ENDS = ["", "-wal", "-shm"] as const;
const PAGE = 8192;
const FRAME = PAGE + 24;
const value = (text: string) => Buffer.from(text.padEnd(1500, "x"));
const put = (name: string, text: string) => [{ key: `/registry/${name}`, value: value(text), expected: undefined }];

/** All that a store shows: its state, and the events since the compaction. */
async function contents(store: Store): Promise<string[]> {
  const { entries } = await store.list("/registry/");
  const lines = entries.map((entry) => `${entry.key} ${entry.createRevision} ${entry.modRevision} ${Buffer.from(entry.value).toString().slice(0, 8)}`);
  await store.watch("/registry/", store.compactedRevision(), (events) => {
    for (const { type, key, revision, value: bytes } of events) lines.push(`${type} ${key} ${revision} ${Buffer.from(bytes).toString().slice(0, 8)}`);
  });
  return lines;
}

/** A database as a killed process leaves it: rows, deletes, a history, free pages, and a log of several transactions. */
const killed = join(directory, "killed.db");
let acknowledged: string[];
let copies = 0;

before(async () => {
  const path = join(directory, "written.db");
  const first = await openSqliteStore({ path });
  await Promise.all(Array.from({ length: 300 }, (_, i) => first.commit(put(`${i % 60}`, `${i}`))));
  for (let i = 0; i < 10; i++) await first.commit([{ key: `/registry/${i}`, value: undefined, expected: undefined }]);
  await first.compact(280);
  await first.close(); // which moves the log into the database
  const store = await openSqliteStore({ path });
  for (let i = 0; i < 12; i++) await Promise.all([store.commit(put(`a${i}`, "first")), store.commit(put(`a${i}`, "second"))]);
  for (const end of ENDS) copyFileSync(path + end, killed + end);
  acknowledged = await contents(store);
  await store.close();
  assert.ok(statSync(`${killed}-wal`).size > 20 * FRAME && statSync(killed).size > 10 * PAGE);
});

function copyKilled(ends: readonly string[] = ENDS): string {
  const path = join(directory, `${copies++}.db`);
  for (const end of ends) copyFileSync(killed + end, path + end);
  return path;
}

const bytesOf = (path: string) => ENDS.map((end) => (existsSync(path + end) ? readFileSync(path + end) : undefined));

/** Opens the damaged file: `undefined` when it was refused, and left as it was. */
async function contentsOf(path: string): Promise<string[] | undefined> {
  const found = bytesOf(path);
  try {
    const store = await openSqliteStore({ path });
    try {
      return await contents(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    assert.ok(error instanceof CorruptStoreError, String(error));
    assert.ok(error.message.includes(path) && error.message.includes("left untouched"), error.message);
    const left = bytesOf(path);
    ENDS.forEach((end, i) => assert.ok(left[i] === found[i] || (left[i] && found[i] && left[i].equals(found[i])), `${end} was changed`));
    return undefined;
  } finally {
    for (const end of ENDS) rmSync(path + end, { force: true });
  }
}

test("openSqliteStore() reads all of what a killed process has left, with and without the log's index", async () => {
  assert.deepEqual(await contentsOf(copyKilled()), acknowledged);
  assert.deepEqual(await contentsOf(copyKilled(["", "-wal"])), acknowledged);
});

test("openSqliteStore() refuses a file with any bit changed, or reads all that was acknowledged", async () => {
  let refused = 0;
  const position = fc.record({ file: fc.constantFrom(...ENDS), at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), bit: fc.nat(7) });
  await fc.assert(
    fc.asyncProperty(position, async ({ file, at, bit }) => {
      const path = copyKilled();
      const bytes = readFileSync(path + file);
      bytes[Math.floor(at * bytes.length)]! ^= 1 << bit;
      writeFileSync(path + file, bytes);
      const found = await contentsOf(path);
      if (found === undefined) refused++;
      else assert.deepEqual(found, acknowledged);
    }),
    { numRuns: 60 },
  );
  assert.ok(refused > 10, `${refused} were refused`);
});

for (const { name, damage } of [
  { name: "cut to half", damage: (path: string) => truncateSync(path, statSync(path).size >> 1) },
  { name: "cut to nothing", damage: (path: string) => truncateSync(path, 0) },
  { name: "cut in the header", damage: (path: string) => truncateSync(path, 50) },
  { name: "with another beginning", damage: (path: string) => writeFileSync(path, "not a database".padEnd(PAGE, ".")) },
  { name: "with a page of zeros", damage: (path: string) => overwrite(path, PAGE * 2, PAGE) },
  { name: "with a page half-written", damage: (path: string) => overwrite(path, PAGE * 6 + PAGE / 2, PAGE / 2) },
  { name: "whose log begins with zeros", damage: (path: string) => overwrite(`${path}-wal`, 0, 32) },
  { name: "whose log has a page half-written in its middle", damage: (path: string) => overwrite(`${path}-wal`, 32 + FRAME * 5 + 4096, 4096) },
  { name: "whose log is cut in its middle", damage: (path: string) => truncateSync(`${path}-wal`, 32 + FRAME * 9) },
  { name: "whose log is empty", damage: (path: string) => truncateSync(`${path}-wal`, 0) },
  { name: "whose log is missing", damage: (path: string) => rmSync(`${path}-wal`) },
  { name: "that is missing, but for its log", damage: (path: string) => rmSync(path) },
]) {
  test(`openSqliteStore() refuses a file ${name}, or reads all that was acknowledged`, async () => {
    const path = copyKilled();
    damage(path);
    const found = await contentsOf(path);
    if (found !== undefined) assert.deepEqual(found, acknowledged);
  });
}

for (const { name, bytes } of [
  { name: "zeros", bytes: Buffer.alloc(FRAME - 4096) },
  { name: "a part of a page", bytes: undefined },
]) {
  test(`openSqliteStore() drops a transaction whose end a power loss has left as ${name}: nobody was told that it is there`, async () => {
    const path = copyKilled(["", "-wal"]); // the index is no part of what a power loss leaves
    const log = `${path}-wal`;
    const end = Math.floor((statSync(log).size - 32) / FRAME) * FRAME + 32;
    if (bytes === undefined) truncateSync(log, end - 4096);
    else overwrite(log, end - bytes.length, bytes.length);
    const found = await contentsOf(path);
    assert.ok(found !== undefined);
    assert.deepEqual(
      found.filter((line) => !line.includes("/a11 ")),
      acknowledged.filter((line) => !line.includes("/a11 ")),
    );
  });
}

function overwrite(path: string, from: number, length: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0, from, from + length);
  writeFileSync(path, bytes);
}
