import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import type { Context } from "#cli/context.ts";
import { SkiffError } from "#cli/errors.ts";
import { CLUSTER_VARIABLE } from "#cli/processes.ts";
import { readSettings } from "#cli/settings.ts";
import { systemClock } from "#lib/system-clock.ts";

import type { Machine } from "./main.ts";
import { runProgram } from "./run-program.ts";

const dataDir = mkdtempSync(join(tmpdir(), "skiff-run-program-"));
after(() => rmSync(dataDir, { recursive: true }));

async function run(server: () => Promise<void>): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const settings = readSettings({ flags: { "data-dir": dataDir }, file: {} }, { hostname: "n1", nodeIp: "192.0.2.1" });
  const common = { clock: systemClock, env: { [CLUSTER_VARIABLE]: dataDir }, err: (text: string) => void lines.push(text) };
  const context = { ...common, settings, hostname: "n1" } as unknown as Context;
  const code = await runProgram("server", context, common as unknown as Machine, { server, agent: () => Promise.reject(new Error("not asked for")) });
  return { code, lines };
}

test("runProgram() tells in its log why a program failed, and gives an exit code for it", async () => {
  const { code, lines } = await run(() => Promise.reject(new Error("the port is taken")));
  assert.equal(code, 1);
  const { level, msg, error } = JSON.parse(lines.at(-1)!) as Record<string, string>;
  assert.deepEqual([level, msg], ["error", "server failed"]);
  assert.match(error!, /the port is taken/);
});

test("runProgram() leaves errors that have an id and an exit code of their own to its caller", async () => {
  const known = new SkiffError("SKF-0201", "no");
  await assert.rejects(
    run(() => Promise.reject(known)),
    known,
  );
});

test("runProgram() gives 0 after an orderly stop", async () => {
  const { code, lines } = await run(() => Promise.resolve());
  assert.equal(code, 0);
  assert.match(lines.at(-1)!, /server stopped/);
});
