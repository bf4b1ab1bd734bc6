/**
 * Durable commits per second of the SQLite store, beside those of bare SQLite with a commit each; and the size of its file
 * after a million updates of 10,000 keys in any order.
 *
 *     node bench/store.ts [--updates 1000000] [--json]
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { seededRng } from "#lib/rng.ts";
import { openSqliteStore } from "#storage/sqlite/sqlite-store.ts";
import { atEnd, benchmark, numberOption, progress } from "./support/benchmark.ts";
import type { Row } from "./support/row.ts";
import { quantile } from "./support/statistics.ts";
import { TARGETS } from "./support/targets.ts";

const WRITERS = 64;
const SECONDS = 4;
const KEYS = 10_000;
const value = Buffer.alloc(1500, "x");

const directory = mkdtempSync(join(tmpdir(), "skiff-bench-"));
atEnd(() => rmSync(directory, { recursive: true, force: true }));

await benchmark(async () => {
  const floor = { name: "bare SQLite, a commit each", value: bareSqlite() };
  return [await groupedCommits(1, floor), await groupedCommits(WRITERS, floor), ...(await fileSize(numberOption("updates", 1_000_000)))];
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

/** In quiet: after the compaction that the watch cache asks for every five minutes, when nobody writes. */
async function fileSize(updates: number): Promise<Row[]> {
  const path = join(directory, "updates.db");
  const store = await openSqliteStore({ path });
  const rng = seededRng(1);
  const key = (i: number) => `/registry/pods/default/pod-${i < KEYS ? i : Math.floor(rng() * KEYS)}`;
  const live = KEYS * (value.length + key(0).length + 3);
  const times = () => (statSync(path).size + statSync(`${path}-wal`).size) / live;
  let [next, slowestMs, most] = [0, 0, 0];
  const write = async () => {
    for (let i = next++; i < KEYS + updates; i = next++) {
      const begin = performance.now();
      await store.commit([{ key: key(i), value, expected: undefined }]);
      slowestMs = Math.max(slowestMs, performance.now() - begin);
      if (i > 2 * KEYS && i % 1000 === 0) most = Math.max(most, times());
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  const after = times();
  await store.compact(store.revision());
  await store.commit([{ key: key(0), value, expected: undefined }]);
  const quiet = times();
  await store.close();
  const n = updates.toLocaleString("en-US");
  const note = `the most meanwhile ${most.toFixed(2)} ×; the slowest commit ${slowestMs.toFixed(0)} ms`;
  return [
    { what: `store file and log after ${n} updates of 10,000 keys, by live data`, value: after, unit: "×", note, target: TARGETS.storeFile },
    { what: "the same after a compaction in quiet", value: quiet, unit: "×", target: TARGETS.storeFile },
  ];
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
