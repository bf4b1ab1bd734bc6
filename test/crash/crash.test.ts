import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { crashRounds } from "./rounds.ts";
import { ServerProcess } from "./server-process.ts";

const ROUNDS = 30;

test(`a server killed ${ROUNDS} times while clients write and watch loses nothing it has acknowledged, and watches go on without a gap`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-crash-"));
  const server = await ServerProcess.prepare({ folder });
  const seed = Math.floor(Math.random() * 2 ** 32);
  try {
    const { faults, acknowledged, resumed } = await crashRounds({ server, rounds: ROUNDS, seed });
    assert.deepEqual(faults, [], `seed ${seed}`);
    assert.ok(acknowledged > ROUNDS * 5, `${acknowledged} writes`);
    assert.ok(resumed > ROUNDS, `${resumed} watches resumed`);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});
