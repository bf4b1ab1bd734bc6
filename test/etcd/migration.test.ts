/** `skiff datastore migrate` killed at several moments, both ways: what is not complete says so, the source is whole, the next run does it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { pathsOf } from "#cli/paths.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemClock } from "#lib/system-clock.ts";
import { UnfinishedMigrationError } from "#storage/etcd/errors.ts";
import { openEtcdStore } from "#storage/etcd/etcd-store.ts";
import { openSqliteStore } from "#storage/sqlite/sqlite-store.ts";
import type { Store } from "#storage/store.ts";
import { type Etcd, startEtcd } from "./etcd.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/skiff.ts", import.meta.url));
const OBJECTS = 1500;
const WRITES = 4000;
/** A whole migration of these takes some seconds; the last run is not killed. */
const KILLED_AFTER_MS = [600, 1000, 1500];

const folder = mkdtempSync(join(tmpdir(), "skiff-crash-migration-"));
const first = join(folder, "first");
let etcd: Etcd;
let content: string;

before(async () => {
  etcd = await startEtcd();
  mkdirSync(dirname(pathsOf(first).database), { recursive: true });
  const store = await openSqliteStore({ path: pathsOf(first).database });
  const pad = "x".repeat(1000);
  const write = (i: number) =>
    store.commit([{ key: `/registry/configmaps/default/c${i % OBJECTS}`, value: Buffer.from(JSON.stringify({ i, pad })), expected: undefined }]);
  await Promise.all(Array.from({ length: WRITES }, (_, i) => write(i)));
  content = await contentOf(store);
});
after(async () => {
  await etcd?.stop();
  rmSync(folder, { recursive: true });
});

/** Closes the store. */
async function contentOf(store: Store): Promise<string> {
  const { entries } = await store.list("/registry/");
  await store.close();
  return JSON.stringify(entries.map(({ key, value }) => [key, Buffer.from(value).toString()]));
}

const openEtcd = () => openEtcdStore({ endpoints: etcd.endpoints, clock: systemClock, logger: silentLogger, onLost: assert.ifError });

/** @returns whether it came to its end before it was killed */
async function migrate(from: string, to: string, dataDir: string, killAfterMs?: number): Promise<boolean> {
  const words = ["datastore", "migrate", "--from", from, "--to", to, "--data-dir", dataDir, "--datastore-endpoint", etcd.endpoints.join(",")];
  const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => void (said += chunk));
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  assert.ok(code === 0 || signal === "SIGKILL", said);
  return signal === null;
}

test("into etcd", async () => {
  for (const afterMs of KILLED_AFTER_MS) {
    if (await migrate("embedded", "etcd", first, afterMs)) break;
    await openEtcd().then(
      async (store) => assert.ok(["[]", content].includes(await contentOf(store)), "it was killed before it began, or after its last step"),
      (error: unknown) => assert.ok(error instanceof UnfinishedMigrationError),
    );
  }
  const store = await openEtcd().catch(() => undefined);
  if ((await store?.list("/registry/", { limit: 1 }))?.entries.length !== 1) assert.ok(await migrate("embedded", "etcd", first));
  await store?.close();
  assert.equal(await contentOf(await openEtcd()), content);
  assert.equal(await contentOf(await openSqliteStore({ path: pathsOf(first).database })), content);
});

test("out of etcd", async () => {
  const second = join(folder, "second");
  const { database } = pathsOf(second);
  for (const afterMs of KILLED_AFTER_MS) {
    if (await migrate("etcd", "embedded", second, afterMs)) break;
    if (existsSync(database)) break; // it was killed after its last step
  }
  if (!existsSync(database)) assert.ok(await migrate("etcd", "embedded", second));
  assert.equal(await contentOf(await openSqliteStore({ path: database })), content);
});
