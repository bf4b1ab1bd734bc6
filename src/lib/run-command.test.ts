import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CommandError, runCommand } from "./run-command.ts";
import { SimClock } from "./sim-clock.ts";

test("runCommand() gives what a program prints, and takes what it is told", async () => {
  const { stdout, stderr } = await runCommand(new SimClock(), "sh", ["-c", "cat; echo bad >&2"], { stdin: "given" });
  assert.deepEqual([stdout, stderr], ["given", "bad\n"]);
});

test("runCommand() tells how a program failed, and that there is none", async () => {
  await assert.rejects(runCommand(new SimClock(), "sh", ["-c", "echo why >&2; exit 3"]), { name: "CommandError", exitCode: 3, stderr: "why\n" });
  await assert.rejects(runCommand(new SimClock(), "/no/such/program", []), { name: "CommandError", exitCode: undefined });
});

test("runCommand() ends a program that runs over its time, though one that it has started lives on and holds its output", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-command-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "pid");
  const clock = new SimClock();
  const running = runCommand(clock, "sh", ["-c", `sleep 60 & echo $! > ${file}.new; mv ${file}.new ${file}; wait`], { timeoutMs: 1000 });
  while (!existsSync(file)) await new Promise(setImmediate);
  const pid = Number(readFileSync(file, "utf8"));
  t.after(() => process.kill(pid));
  clock.advance(1000);
  await assert.rejects(running, CommandError);
  assert.ok(process.kill(pid, 0), "the other one lives");
});
