import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { SkiffError } from "./errors.ts";

/** What a cluster without a pod needs to come up: certificates, store, logs, containerd's database. */
const NEEDED_BYTES = 32 * 2 ** 20;
const MIB = 2 ** 20;

/** @throws {SkiffError} SKF-1005 when a cluster could not start below this folder */
export function requireRoom(folder: string): void {
  const { bavail, bsize } = statfsSync(existing(folder));
  const free = bavail * bsize;
  if (free >= NEEDED_BYTES) return;
  throw new SkiffError("SKF-1005", `${Math.floor(free / MIB)} MiB are free below ${folder}, and ${NEEDED_BYTES / MIB} MiB are needed`, {
    remedy: `make room: df -h ${folder}; or use another --data-dir`,
  });
}

function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder));
}

/** A failure of the machine, in words for its user; what is none stays as it is. */
export function explained(error: unknown): unknown {
  const { code, path = "a file", message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") return new SkiffError("SKF-1005", `there is no room for ${path}`, { reason: message });
  if (code === "EROFS") return new SkiffError("SKF-1005", `${path} is on a read-only file system`, { reason: message, remedy: "use another --data-dir" });
  return error;
}
