import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import type { Arguments, Context } from "#cli/context.ts";
import { pathsOf } from "#cli/paths.ts";
import { CLUSTER_VARIABLE } from "#cli/processes.ts";
import { readSettings, type SettingTexts } from "#cli/settings.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemClock } from "#lib/system-clock.ts";
import { openSqliteStore } from "#storage/sqlite/sqlite-store.ts";
import { type Etcd, startEtcd } from "#test/etcd/etcd.ts";
import { testPki } from "#test/pki/test-pki.ts";
import { datastore } from "./datastore-migrate.ts";
import { checkDatastore, openDatastore } from "./datastore.ts";

const folder = mkdtempSync(join(tmpdir(), "skiff-datastore-"));
const deps = { clock: systemClock, logger: silentLogger };
let etcd: Etcd;
let tls: SettingTexts;
before(async () => {
  const pki = await testPki();
  etcd = await startEtcd({ tls: pki });
  const { cert, key } = await pki.client("skiff");
  tls = Object.fromEntries(Object.entries({ cafile: pki.ca, certfile: cert, keyfile: key }).map(([name, pem]) => [`datastore-${name}`, fileOf(name, pem)]));
});
after(async () => {
  await etcd?.stop();
  rmSync(folder, { recursive: true });
});

let files = 0;
function fileOf(name: string, content: string): string {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, content);
  return path;
}

const settingsOf = (flags: SettingTexts) => readSettings({ flags, file: {} }, { hostname: "n", nodeIp: "127.0.0.1" });
const etcdSettings = (over: SettingTexts = {}) => settingsOf({ "datastore-endpoint": etcd.endpoints[0], ...tls, ...over }).datastore!;

for (const { what, over, id, reason } of [
  { what: "nobody listens", over: { "datastore-endpoint": "https://127.0.0.1:1" }, id: "SKF-1601", reason: /127\.0\.0\.1:1: connect ECONNREFUSED/ },
  { what: "etcd's certificate has another authority", over: { "datastore-cafile": "other" }, id: "SKF-1602", reason: /certificate/ },
  { what: "etcd wants a certificate", over: { "datastore-certfile": undefined, "datastore-keyfile": undefined }, id: "SKF-1602", reason: /alert/ },
  { what: "a file is missing", over: { "datastore-cafile": "/nowhere/ca.crt" }, id: "SKF-1701", reason: /ENOENT/ },
  { what: "a file is no PEM", over: { "datastore-cafile": "text" }, id: "SKF-1701", reason: undefined },
] as const) {
  test(`checkDatastore() says ${id} when ${what}`, async () => {
    const made: Record<string, string> = { other: fileOf("other", (await testPki()).ca), text: fileOf("text", "hello") };
    const flags = Object.fromEntries(Object.entries(over).map(([flag, text]) => [flag, text === undefined ? text : (made[text] ?? text)]));
    await assert.rejects(checkDatastore(etcdSettings(flags), deps), (error: { id?: string; reason?: string }) => {
      assert.equal(error.id, id);
      if (reason !== undefined) assert.match(error.reason ?? "", reason);
      return true;
    });
  });
}

test("openDatastore() makes no empty database where an unfinished copy lies", async () => {
  const database = join(folder, "unfinished/state.db");
  mkdirSync(dirname(database));
  writeFileSync(`${database}.migrating`, "");
  const { signal } = new AbortController();
  await assert.rejects(openDatastore({ database, datastore: undefined }, { ...deps, signal, onLost: assert.ifError }), { id: "SKF-1109" });
  assert.ok(!existsSync(database));
});

test("openDatastore() waits for an etcd that is not there, until it is told to stop", async () => {
  const stop = new AbortController();
  const logged: string[] = [];
  const logger = {
    ...silentLogger,
    error: (message: string) => {
      logged.push(message);
      stop.abort(new Error("enough"));
    },
  };
  const { datastore: absent } = settingsOf({ "datastore-endpoint": "http://127.0.0.1:1" });
  const { clock } = deps;
  await assert.rejects(
    openDatastore({ database: "", datastore: absent }, { clock, logger, signal: stop.signal, onLost: assert.ifError, openTimeoutMs: 100 }),
    /enough/,
  );
  assert.deepEqual(logged, ["waiting for the datastore"]);
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `skiff datastore migrate`, as main() calls it. */
async function run(flags: Arguments["flags"], settings: SettingTexts): Promise<Said> {
  const said = { out: "", err: "" };
  const context = {
    ...deps,
    env: {},
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    settings: settingsOf(settings),
  } as unknown as Context;
  const code = await datastore({ flags, positionals: ["migrate"] }, context);
  return { code, ...said };
}

test("skiff datastore migrate moves a data dir's state to etcd and into another data dir", async () => {
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const { database } = pathsOf(first);
  mkdirSync(dirname(database), { recursive: true });
  const store = await openSqliteStore({ path: database });
  for (let i = 0; i < 20; i++) await store.commit([{ key: `/registry/pods/default/p${i}`, value: Buffer.from(`{"n":${i}}`), expected: 0 }]);
  await store.close();

  const endpoint = { "datastore-endpoint": etcd.endpoints[0], ...tls };
  const there = await run({ from: "embedded", to: "etcd" }, { "data-dir": first, ...endpoint });
  assert.equal(there.code, 0);
  assert.match(there.err, /20 objects, \d+ bytes, SHA-256 .* is as it was\.\nNext: \.\/skiff up --datastore-endpoint https:/);
  await assert.rejects(run({ from: database, to: "etcd" }, { "data-dir": first, ...endpoint }), { id: "SKF-1110" });

  const back = await run({ from: "etcd", to: "embedded", output: "json" }, { "data-dir": second, ...endpoint });
  const { entries, revision } = JSON.parse(back.out) as { entries: number; revision: number };
  assert.equal(entries, 20);
  const moved = await openSqliteStore({ path: pathsOf(second).database });
  assert.equal(moved.revision(), revision);
  await moved.close();
});

test("skiff datastore migrate does not touch a database that a process has open", async () => {
  const path = fileOf("held.db", "");
  const file = openSync(path, "r");
  const holder = spawn("sleep", ["60"], { stdio: ["ignore", file, "ignore"] });
  closeSync(file);
  try {
    await assert.rejects(run({ from: path, to: "etcd" }, { "data-dir": join(folder, "third"), "datastore-endpoint": etcd.endpoints[0], ...tls }), {
      id: "SKF-1110",
      message: `${path} is in use by process ${holder.pid}`,
    });
  } finally {
    holder.kill();
  }
});

test("skiff datastore migrate refuses while the server's supervisor is about to start it again", async () => {
  const dataDir = join(folder, "fourth");
  const supervisor = spawn("/bin/sh", ["-c", "echo up; read line", "sh", "server"], {
    argv0: "supervise",
    env: { [CLUSTER_VARIABLE]: dataDir },
    stdio: ["pipe", "pipe", "ignore"],
  });
  await once(supervisor.stdout, "data");
  try {
    const flags = { from: "/x/y.db", to: "etcd" };
    await assert.rejects(run(flags, { "data-dir": dataDir, "datastore-endpoint": "https://127.0.0.1:1" }), { id: "SKF-1110" });
  } finally {
    supervisor.kill("SIGKILL");
  }
});

for (const { what, flags, settings } of [
  { what: "without --to", flags: { from: "embedded" }, settings: {} },
  { what: "between two files", flags: { from: "embedded", to: "/x/y.db" }, settings: {} },
  { what: "to etcd without its endpoint", flags: { from: "embedded", to: "etcd" }, settings: {} },
]) {
  test(`skiff datastore migrate ${what} is a wrong command line`, async () => {
    await assert.rejects(run(flags, settings), { id: "SKF-0201" });
  });
}
