/** Durable commits per second of the SQLite store, beside those of bare SQLite with a commit each. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "#storage/sqlite/sqlite-store.ts";

const WRITERS = 64;
const SECONDS = 4;
const value = Buffer.alloc(1500, "x");

const directory = mkdtempSync(join(import.meta.dirname, ".store-"));
try {
  bareSqlite();
  await groupedCommits(1);
  await groupedCommits(WRITERS);
} finally {
  rmSync(directory, { recursive: true });
}

function bareSqlite(): void {
  const db = new DatabaseSync(join(directory, "bare.db"));
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE kv (key TEXT PRIMARY KEY, value BLOB)");
  const insert = db.prepare("INSERT OR REPLACE INTO kv VALUES (?, ?)");
  const start = performance.now();
  let count = 0;
  for (; performance.now() - start < 2000; count++) insert.run(`/registry/pods/default/pod-${count}`, value);
  print("bare SQLite, a commit each", count, start);
  db.close();
}

async function groupedCommits(writers: number): Promise<void> {
  const path = join(directory, `store-${writers}.db`);
  const store = await openSqliteStore({ path });
  let events = 0;
  await store.watch("/registry/", 0, (batch) => void (events += batch.length));
  const start = performance.now();
  const delays: number[] = [];
  let count = 0;
  const write = async () => {
    while (performance.now() - start < SECONDS * 1000) {
      const begin = performance.now();
      const result = await store.commit([{ key: `/registry/pods/default/pod-${count++}`, value, expected: 0 }]);
      if (!result.ok) throw new Error("a conflict where there is none");
      delays.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  print(`store, ${writers} writers`, delays.length, start);
  delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor(delays.length * share)]!.toFixed(2);
  console.log(`  p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.99999)} ms; ${events} events; wal ${megabytes(`${path}-wal`)}`);
  await store.close();
  await reopen(path);
}

async function reopen(path: string): Promise<void> {
  const start = performance.now();
  const store = await openSqliteStore({ path });
  const opened = performance.now();
  const { entries } = await store.list("/registry/");
  console.log(
    `  reopen ${(opened - start).toFixed(0)} ms, list of ${entries.length} in ${(performance.now() - opened).toFixed(0)} ms; file ${megabytes(path)}`,
  );
  await store.close();
}

function print(what: string, count: number, start: number): void {
  console.log(`${what}: ${Math.round((count / (performance.now() - start)) * 1000)} commits/s`);
}

function megabytes(path: string): string {
  return `${(statSync(path).size / 1e6).toFixed(1)} MB`;
}
