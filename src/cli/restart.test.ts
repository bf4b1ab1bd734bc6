import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemClock } from "#lib/system-clock.ts";
import { restart } from "./restart.ts";
import { readSettings } from "./settings.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-restart-"));
after(() => rmSync(dir, { recursive: true }));

test("restart() needs a cluster, and makes none", async () => {
  const dataDir = join(dir, "absent");
  const settings = readSettings({ flags: { "data-dir": dataDir }, file: {} }, { hostname: "n", nodeIp: "192.0.2.1" });
  const silent = () => {};
  const context = { clock: systemClock, env: {}, out: silent, err: silent, self: ["/bin/false"], settings, hostname: "n", home: dir, supervisor: "" } as const;
  await assert.rejects(restart({}, { flags: {}, positionals: [] }, context), { id: "SKF-0301", exitCode: 3 });
  assert.equal(existsSync(dataDir), false);
});
