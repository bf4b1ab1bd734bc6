import { readFileSync } from "node:fs";
import { AuditFile } from "#apiserver/audit/audit-file.ts";
import { Auditor } from "#apiserver/audit/auditor.ts";
import { parsePolicy } from "#apiserver/audit/policy.ts";
import { SkiffError } from "#cli/errors.ts";
import type { ProcessDeps } from "./process-deps.ts";
import type { ServerConfig } from "./server-config.ts";

const MEGABYTE = 1024 * 1024;
const DAY_MS = 86_400_000;

export interface OpenAudit {
  readonly auditor: Auditor;
  close(): void;
}

/**
 * Who writes the audit log.
 *
 * @throws {SkiffError} SKF-1701 when the policy is wrong, or the log cannot be written
 */
export async function openAudit(config: NonNullable<ServerConfig["audit"]>, deps: Pick<ProcessDeps, "clock" | "logger">): Promise<OpenAudit> {
  const { policyFile, logFile, maxMegabytes, maxBackups, maxAgeDays } = config;
  try {
    const policy = await parsePolicy(readFileSync(policyFile, "utf8"));
    const file = new AuditFile({ path: logFile, maxBytes: maxMegabytes * MEGABYTE, maxBackups, maxAgeMs: maxAgeDays * DAY_MS }, deps);
    file.open();
    const auditor = new Auditor({ policy, clock: deps.clock, write: (line) => file.add(line) });
    return { auditor, close: () => file.close() };
  } catch (error) {
    throw new SkiffError("SKF-1701", `--audit-policy-file ${policyFile} cannot be used`, { reason: (error as Error).message });
  }
}
