import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";

import type { Runtime } from "#kubelet/cri/runtime.ts";

import { rotateLog } from "./log-rotation.ts";

const SECOND_MS = 1000;

/** A container's log in a folder of its own, of at most ten bytes; `runtime` opens it anew unless it is away. */
async function world(run: (log: { path: string; dir: string; rotate: (second: number) => Promise<boolean>; state: { isAway: boolean } }) => Promise<void>) {
  const dir = mkdtempSync(join(tmpdir(), "skiff-rotation-"));
  const path = join(dir, "0.log");
  const state = { isAway: false };
  const reopenContainerLog = async () => {
    if (state.isAway) throw new Error("the runtime is away");
    writeFileSync(path, "", { flag: "a" });
  };
  const rotate = (second: number) => rotateLog({ reopenContainerLog } as unknown as Runtime, "c1", path, second * SECOND_MS, 10);
  try {
    await run({ path, dir, rotate, state });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("rotateLog() puts a log aside that is too large, compresses older ones, and keeps five files", () =>
  world(async ({ path, dir, rotate }) => {
    writeFileSync(path, "short");
    assert.equal(await rotate(0), false);
    for (let i = 1; i <= 7; i++) {
      writeFileSync(path, `a longer text ${i}`);
      assert.equal(await rotate(i), true);
    }
    const names = readdirSync(dir).sort();
    assert.deepEqual(names, ["0.log", ...[4, 5, 6].map((i) => `0.log.19700101-00000${i}.gz`), "0.log.19700101-000007"]);
    assert.equal(gunzipSync(readFileSync(join(dir, names[1]!))).toString(), "a longer text 4");
  }));

test("rotateLog() has a log opened that was put aside before the runtime, or we, went away", () =>
  world(async ({ path, rotate, state }) => {
    writeFileSync(path, "a text too long");
    state.isAway = true;
    await assert.rejects(rotate(1), /away/);
    await assert.rejects(rotate(2), /away/);
    state.isAway = false;
    await rotate(3);
    assert.ok(existsSync(path));
  }));
