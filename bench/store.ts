/** Durable commits per second of the SQLite store, beside those of bare SQLite with a commit each. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "#storage/sqlite/sqlite-store.ts";
import { atEnd, benchmark, progress } from "./support/benchmark.ts";
import type { Row } from "./support/row.ts";
import { quantile } from "./support/statistics.ts";

const WRITERS = 64;
const SECONDS = 4;
const value = Buffer.alloc(1500, "x");

const directory = mkdtempSync(join(tmpdir(), "skiff-bench-"));
atEnd(() => rmSync(directory, { recursive: true, force: true }));

await benchmark(async () => {
  const floor = { name: "bare SQLite, a commit each", value: bareSqlite() };
  return [await groupedCommits(1, floor), await groupedCommits(WRITERS, floor)];
});

function bareSqlite(): number {
  const db = new DatabaseSync(join(directory, "bare.db"));
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE kv (key TEXT PRIMARY KEY, value BLOB)");
  const insert = db.prepare("INSERT OR REPLACE INTO kv VALUES (?, ?)");
  const start = performance.now();
  let count = 0;
  for (; performance.now() - start < 2000; count++) insert.run(`/registry/pods/default/pod-${count}`, value);
  const perSecond = (count * 1000) / (performance.now() - start);
  db.close();
  return perSecond;
}

async function groupedCommits(writers: number, floor: { name: string; value: number }): Promise<Row> {
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
  const perSecond = (delays.length * 1000) / (performance.now() - start);
  progress(`${writers} writers: max ${Math.max(...delays.slice(-1000)).toFixed(1)} ms; ${events} events; wal ${megabytes(`${path}-wal`)}`);
  await store.close();
  await reopen(path);
  const note = `p50 ${quantile(delays, 0.5).toFixed(2)} ms, p99 ${quantile(delays, 0.99).toFixed(2)} ms`;
  return { what: `durable commits of the store, ${writers} writer${writers === 1 ? "" : "s"}`, value: perSecond, unit: "/s", note, floor };
}

async function reopen(path: string): Promise<void> {
  const start = performance.now();
  const store = await openSqliteStore({ path });
  const opened = performance.now();
  const { entries } = await store.list("/registry/");
  progress(`reopen ${(opened - start).toFixed(0)} ms, list of ${entries.length} in ${(performance.now() - opened).toFixed(0)} ms; file ${megabytes(path)}`);
  await store.close();
}

function megabytes(path: string): string {
  return `${(statSync(path).size / 1e6).toFixed(1)} MB`;
}
