import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { boundedLog, KEPT_LOGS } from "./bounded-log.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-log-"));
after(() => rmSync(dir, { recursive: true }));

const MAX_BYTES = 10_000;
const LINES = 5000;

test("boundedLog() puts full logs aside without losing a line, and the dying words of Node go to the new one", () => {
  const file = join(dir, "server.log");
  const program = `
    import { boundedLog } from ${JSON.stringify(new URL("./bounded-log.ts", import.meta.url).href)};
    const log = boundedLog((text) => void process.stderr.write(text), ${JSON.stringify(file)}, ${MAX_BYTES});
    for (let i = 0; i < ${LINES}; i++) log(String(i).padStart(14, "0") + "\\n");
    throw new Error("the end");
  `;
  const log = openSync(file, "a");
  const { status } = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program], {
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  assert.equal(status, 1);
  const files = [...Array.from({ length: KEPT_LOGS }, (_, n) => `${file}.${KEPT_LOGS - n}`), file];
  assert.ok(!existsSync(`${file}.${KEPT_LOGS + 1}`));
  for (const name of files) assert.ok(statSync(name).size < 1.1 * MAX_BYTES, name);
  const lines = files.flatMap((name) => readFileSync(name, "utf8").match(/^\d{14}$/gm) ?? []).map(Number);
  assert.deepEqual(
    lines,
    Array.from({ length: lines.length }, (_, n) => LINES - lines.length + n),
  );
  assert.ok(lines.length * 15 > KEPT_LOGS * MAX_BYTES, `${lines.length} lines`);
  assert.match(readFileSync(file, "utf8"), /Error: the end/);
});

test("boundedLog() leaves a standard error alone that is something else", () => {
  const write = () => {};
  assert.equal(boundedLog(write, join(dir, "other.log")), write);
});
