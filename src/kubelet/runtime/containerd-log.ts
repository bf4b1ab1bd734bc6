import { appendFileSync, closeSync, ftruncateSync, openSync, readdirSync, readFileSync, readSync, renameSync, statSync } from "node:fs";
import { copyFile } from "node:fs/promises";

import type { ContainerdPaths } from "#kubelet/config.ts";
import { makeRoom, MAX_LOG_BYTES } from "#lib/bounded-log.ts";

import { runningPid } from "./containerd.ts";

/** All threads stop within a millisecond; one that does not is waiting for a disk. */
const MAX_LOOKS = 200;
const CHUNK_BYTES = 65_536;

/** Puts containerd's log aside when it is full. */
export async function rotateContainerdLog(paths: ContainerdPaths, maxBytes = MAX_LOG_BYTES): Promise<boolean> {
  if ((statSync(paths.logFile, { throwIfNoEntry: false })?.size ?? 0) < maxBytes) return false;
  const pid = runningPid(paths);
  return pid !== undefined && (await rotateForeignLog(pid, paths.logFile));
}

/**
 * Puts a log aside that another process appends to, and that it would not open again. The process stands still, for about
 * a millisecond, while the last lines are copied and the file is emptied, so that none is lost.
 *
 * @returns whether that was possible
 */
export async function rotateForeignLog(pid: number, file: string): Promise<boolean> {
  const copy = `${file}.new`;
  await copyFile(file, copy);
  try {
    process.kill(pid, "SIGSTOP");
    return isStill(pid) && moveRest(file, copy);
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

function moveRest(file: string, copy: string): boolean {
  const log = openSync(file, "r+");
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = statSync(copy).size; ; ) {
      const count = readSync(log, buffer, 0, CHUNK_BYTES, at);
      if (count === 0) break;
      appendFileSync(copy, buffer.subarray(0, count));
      at += count;
    }
    makeRoom(file);
    renameSync(copy, `${file}.1`);
    ftruncateSync(log);
    return true;
  } finally {
    closeSync(log);
  }
}

/** A stop comes to each thread when it next returns from the kernel: a line that is being written is written. */
function isStill(pid: number): boolean {
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const states = readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1"));
    if (states.every((stat) => /^ [Tt] /.test(stat.slice(stat.lastIndexOf(")") + 1)))) return true;
  }
  return false;
}
