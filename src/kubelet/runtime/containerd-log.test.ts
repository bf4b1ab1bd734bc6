import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { KEPT_LOGS } from "#lib/bounded-log.ts";

import { rotateContainerdLog, rotateForeignLog } from "./containerd-log.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-containerd-log-"));
after(() => rmSync(dir, { recursive: true }));

test("rotateForeignLog() loses no line of a process that writes without a pause, and lets it go on", async () => {
  const file = join(dir, "containerd.log");
  const log = openSync(file, "a");
  const writer = spawn("/bin/sh", ["-c", "n=0; while :; do n=$((n + 1)); echo line $n; done"], { stdio: ["ignore", log, "ignore"] });
  closeSync(log);
  const grown = async () => {
    const size = statSync(file).size;
    while (statSync(file).size < size + 20_000) await new Promise(setImmediate);
  };
  for (let round = 0; round < KEPT_LOGS; round++) {
    await grown();
    assert.ok(await rotateForeignLog(writer.pid!, file));
  }
  await grown();
  writer.kill("SIGKILL");
  await once(writer, "exit");
  const files = [...Array.from({ length: KEPT_LOGS }, (_, n) => `${file}.${KEPT_LOGS - n}`), file];
  const lines = files.map((name) => readFileSync(name, "utf8")).join("");
  const numbers = lines
    .trimEnd()
    .split("\n")
    .map((line) => Number(line.replace("line ", "")));
  assert.deepEqual(
    numbers,
    Array.from({ length: numbers.length }, (_, n) => n + 1),
  );
  assert.ok(!existsSync(`${file}.new`));
});

test("rotateContainerdLog() does nothing to a log that is not full, or is not there", async () => {
  const paths = { binary: "containerd", root: dir, state: dir, socket: "", configFile: join(dir, "c.toml"), certsDir: dir, logFile: join(dir, "none.log") };
  assert.equal(await rotateContainerdLog(paths), false);
});
