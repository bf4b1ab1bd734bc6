import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { childrenOf } from "#cli/processes.ts";
import { eventually } from "#test/e2e/support/eventually.ts";
import { finalCounts } from "./test.ts";

for (const { name, lines, code, want } of [
  { name: "reads the last counts", lines: ["x", '@counts {"passed":3,"failed":0,"skipped":1}'], code: 0, want: { passed: 3, failed: 0, skipped: 1 } },
  { name: "counts a crash as a failure", lines: ["boom"], code: 1, want: { passed: 0, failed: 1, skipped: 0 } },
  { name: "believes the exit code", lines: ['@counts {"passed":3,"failed":0,"skipped":0}'], code: 1, want: { passed: 3, failed: 1, skipped: 0 } },
  { name: "counts a killed run as a failure", lines: [], code: null, want: { passed: 0, failed: 1, skipped: 0 } },
]) {
  test(`finalCounts() ${name}`, () => {
    assert.deepEqual(finalCounts(lines, code), want);
  });
}

test("an interrupted run does not begin its other parts, and says by its exit code that it was", async () => {
  const run = spawn(process.execPath, [fileURLToPath(new URL("./test.ts", import.meta.url)), "layers", "tidy", "lint"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  run.stderr.on("data", (chunk: Buffer) => void (stderr += String(chunk)));
  await eventually(() => assert.equal(childrenOf(new Set([run.pid as number])).length, 1));
  run.kill("SIGINT");
  const [code] = (await once(run, "close")) as [number | null];
  assert.equal(code, 130);
  assert.match(stderr, /^. layers /m);
  assert.doesNotMatch(stderr, /lint/);
});

for (const { words, says } of [
  { words: ["test.ts", "nothing"], says: /^error\[SKF-0201\]: there is no part nothing\ncause: parts are types, .*\ntry: .*\nmore: / },
  { words: ["test.ts", "--nothing"], says: /^error\[SKF-0201\]: .*\ncause: Unknown option '--nothing'\ntry: / },
  { words: ["bench.ts", "nothing"], says: /^error\[SKF-0201\]: there is no benchmark nothing\ncause: there are start, / },
  { words: ["simulate.ts", "--nothing"], says: /^error\[SKF-0201\]: .*\ncause: Unknown option '--nothing'\ntry: / },
  { words: ["simulate.ts", "--seeds", "many"], says: /^error\[SKF-0201\]: --seeds takes a whole number\ncause: "many" is none\n/ },
]) {
  test(`${words.join(" ")} is refused with what would be right`, () => {
    const [file = "", ...rest] = words;
    const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...rest], { encoding: "utf8" });
    assert.equal(status, 2);
    assert.match(stderr, says);
  });
}
