import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silentLogger } from "#lib/logger.ts";
import { systemClock } from "#lib/system-clock.ts";
import { openAudit } from "./audit.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-open-audit-"));
after(() => rmSync(dir, { recursive: true }));
const config = { policyFile: join(dir, "policy.yaml"), logFile: join(dir, "logs/audit.log"), maxMegabytes: 1, maxBackups: 0, maxAgeDays: 0 };
const deps = { clock: systemClock, logger: silentLogger };

test("openAudit() names what is wrong with the policy, and begins no log", async () => {
  await assert.rejects(openAudit(config, deps), { id: "SKF-1701", reason: /ENOENT/ });
  writeFileSync(config.policyFile, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Some}]\n");
  await assert.rejects(openAudit(config, deps), { id: "SKF-1701", reason: /rules\[0\]\.level/ });
  assert.throws(() => readFileSync(config.logFile), { code: "ENOENT" });
});

test("openAudit() makes the log and its folder", async () => {
  writeFileSync(config.policyFile, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n");
  const { close } = await openAudit(config, deps);
  close();
  assert.equal(readFileSync(config.logFile, "utf8"), "");
});
