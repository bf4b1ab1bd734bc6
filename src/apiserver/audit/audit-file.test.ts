import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";

import { AuditFile } from "./audit-file.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-audit-"));
after(() => rmSync(dir, { recursive: true }));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const DAY_MS = 86_400_000;

async function fill(folder: string, options: { readonly maxBackups: number; readonly maxAgeMs: number }, rounds = 6) {
  const clock = new SimClock(Date.UTC(2026, 0, 1));
  const path = join(dir, folder, "audit.log");
  const file = new AuditFile({ path, maxBytes: 100, ...options }, { clock, logger: silentLogger });
  file.open();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 4; i++) file.add(`${round}${String(i).padStart(18, "0")}\n`);
    await turn();
    for (const name of readdirSync(join(dir, folder)))
      if (name !== "audit.log") utimesSync(join(dir, folder, name), clock.now() / 1000, Date.parse("2026-01-01") / 1000);
    clock.advance(DAY_MS);
  }
  file.close();
  const names = readdirSync(join(dir, folder)).sort();
  return { path, names, text: names.map((name) => readFileSync(join(dir, folder, name), "utf8")).join("") };
}

test("AuditFile puts full files aside under the time, and loses no line", async () => {
  const { path, names, text } = await fill("all", { maxBackups: 0, maxAgeMs: 0 });
  assert.deepEqual(names.slice(0, 2), ["audit-2026-01-02T00-00-00-000.log", "audit-2026-01-03T00-00-00-000.log"]);
  assert.equal(names.length, 6);
  assert.equal(text.split("\n").length - 1, 24);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("AuditFile keeps so many old files, and so long", async () => {
  assert.deepEqual((await fill("few", { maxBackups: 2, maxAgeMs: 0 })).names, [
    "audit-2026-01-05T00-00-00-000.log",
    "audit-2026-01-06T00-00-00-000.log",
    "audit.log",
  ]);
  assert.deepEqual((await fill("young", { maxBackups: 0, maxAgeMs: DAY_MS })).names.length < 4, true);
});

test("AuditFile goes on in a file that is there, and tells of a folder that cannot be written to", async () => {
  const first = await fill("again", { maxBackups: 0, maxAgeMs: 0 }, 1);
  const second = await fill("again", { maxBackups: 0, maxAgeMs: 0 }, 1);
  assert.equal(second.text.length, 2 * first.text.length);
  const path = join(first.path, "below/audit.log");
  assert.throws(() => new AuditFile({ path, maxBytes: 1, maxBackups: 0, maxAgeMs: 0 }, { clock: new SimClock(), logger: silentLogger }).open());
});
