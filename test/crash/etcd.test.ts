/** The server on etcd: both are killed under load, and nothing that was acknowledged is lost. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Etcd, startEtcd } from "#test/etcd/etcd.ts";
import { crashRounds } from "./rounds.ts";
import { ServerProcess } from "./server-process.ts";

const ROUNDS = 8;
const OUTAGE_MS = 400;
/** Rounds in which etcd is back, and writes have gone on, before the server dies. */
const BACK_SHARE = 0.6;

const pause = (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs));

test(`etcd and its server killed ${ROUNDS} times while clients write and watch: nothing acknowledged is lost, watches go on without a gap`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-crash-etcd-"));
  const seed = Math.floor(Math.random() * 2 ** 32);
  let etcd: Etcd | undefined;
  let server: ServerProcess | undefined;
  try {
    etcd = await startEtcd();
    const [member] = etcd.members;
    server = await ServerProcess.prepare({ folder, flags: ["--datastore-endpoint", etcd.endpoints.join(",")] });
    const disturb = async (rng: () => number) => {
      await member!.kill();
      await pause(rng() * OUTAGE_MS);
      const started = member!.start();
      if (rng() < BACK_SHARE) await started.then(() => pause(rng() * OUTAGE_MS));
    };
    const { faults, acknowledged, resumed } = await crashRounds({ server, rounds: ROUNDS, seed, disturb });
    assert.deepEqual(faults, [], `seed ${seed}`);
    assert.ok(acknowledged > ROUNDS * 5, `${acknowledged} writes`);
    assert.ok(resumed > ROUNDS, `${resumed} watches resumed`);
  } finally {
    await server?.close();
    await etcd?.stop();
    rmSync(folder, { recursive: true });
  }
});
