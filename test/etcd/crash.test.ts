/** The server on etcd: both are killed under load, and nothing that was acknowledged is lost. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Etcd, startEtcd } from "./etcd.ts";
import { outage } from "#test/crash/outage.ts";
import { crashRounds } from "#test/crash/rounds.ts";
import { ServerProcess } from "#test/crash/server-process.ts";

const ROUNDS = 8;

test(`etcd and its server killed ${ROUNDS} times while clients write and watch: nothing acknowledged is lost, watches go on without a gap`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-crash-etcd-"));
  const seed = Math.floor(Math.random() * 2 ** 32);
  let etcd: Etcd | undefined;
  let server: ServerProcess | undefined;
  try {
    const cluster = (etcd = await startEtcd());
    server = await ServerProcess.prepare({ folder, flags: ["--datastore-endpoint", cluster.endpoints.join(",")] });
    const { faults, acknowledged, resumed } = await crashRounds({ server, rounds: ROUNDS, seed, disturb: (rng) => outage(cluster, rng) });
    assert.deepEqual(faults, [], `seed ${seed}`);
    assert.ok(acknowledged > ROUNDS * 5, `${acknowledged} writes`);
    assert.ok(resumed > ROUNDS, `${resumed} watches resumed`);
  } finally {
    await server?.close();
    await etcd?.stop();
    rmSync(folder, { recursive: true });
  }
});
