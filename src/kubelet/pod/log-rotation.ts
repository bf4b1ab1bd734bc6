import { createReadStream, createWriteStream, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import type { Runtime } from "#kubelet/cri/runtime.ts";

/** Upstream's containerLogMaxSize and containerLogMaxFiles. */
const MAX_LOG_BYTES = 10 * 2 ** 20;
const MAX_LOG_FILES = 5;

/**
 * Puts a log that has grown too large aside, compresses the one put aside before, and keeps the newest few.
 *
 * @returns whether it was too large
 * @see pkg/kubelet/logs/container_log_manager.go
 */
export async function rotateLog(runtime: Runtime, containerId: string, logPath: string, nowMs: number, maxBytes = MAX_LOG_BYTES): Promise<boolean> {
  const size = statSync(logPath, { throwIfNoEntry: false })?.size;
  // Put aside by a rotation that was cut off: the container still writes there, and nobody would find it.
  if (size === undefined) await runtime.reopenContainerLog(containerId);
  if (size === undefined || size < maxBytes) return false;
  for (const old of rotated(logPath).filter((path) => !path.endsWith(".gz"))) await compress(old);
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  renameSync(logPath, `${logPath}.${stamp}`);
  await runtime.reopenContainerLog(containerId);
  const excess = rotated(logPath)
    .sort()
    .slice(0, -(MAX_LOG_FILES - 1));
  for (const old of excess) rmSync(old, { force: true });
  return true;
}

function rotated(logPath: string): string[] {
  const dir = dirname(logPath);
  return readdirSync(dir)
    .filter((name) => name.startsWith(`${basename(logPath)}.`) && !name.endsWith(".tmp"))
    .map((name) => join(dir, name));
}

async function compress(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.tmp`));
  renameSync(`${path}.tmp`, `${path}.gz`);
  rmSync(path);
}
