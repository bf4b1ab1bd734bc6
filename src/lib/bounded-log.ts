import { closeSync, existsSync, fstatSync, openSync, renameSync, statSync } from "node:fs";

/** In one log; `bin/supervise` has the same. */
export const MAX_LOG_BYTES = 20 * 2 ** 20;
/** Old ones that are kept, as LOG.1, LOG.2 and so on, the newest first. */
export const KEPT_LOGS = 3;

const STDOUT = 1;
const STDERR = 2;
/** Others write to the log, too: after so much of our own, its size is looked at. */
const LOOK_BYTES = 2 ** 18;

/**
 * Keeps this process's log, if it is one, within bounds: when it is full, it is put aside and a new one begun. The kernel
 * swaps the file below the open descriptors, so that nothing is lost, neither what Node writes by itself when it dies.
 *
 * @param write appends to standard error, at once
 * @param file what standard error may be; when it is something else, all stays as it is
 */
export function boundedLog(write: (text: string) => void, file: string, maxBytes = MAX_LOG_BYTES): (text: string) => void {
  if (!isOpenAs(STDERR, file)) return write;
  let unseen = LOOK_BYTES;
  return (text) => {
    write(text);
    unseen += text.length;
    if (unseen < Math.min(LOOK_BYTES, maxBytes)) return;
    unseen = 0;
    try {
      if (fstatSync(STDERR).size >= maxBytes) startAnew(file);
    } catch {
      // A full disk, mostly: it goes on in the old one, and tries again later.
    }
  };
}

function startAnew(file: string): void {
  const dup2 = libraryFunction();
  if (dup2 === undefined || !isOpenAs(STDERR, file)) return;
  const descriptors = [STDOUT, STDERR].filter((fd) => isOpenAs(fd, file));
  makeRoom(file);
  renameSync(file, `${file}.1`);
  const fresh = openSync(file, "a");
  try {
    for (const fd of descriptors) dup2(fresh, fd);
  } finally {
    closeSync(fresh);
  }
}

/** Frees the name LOG.1; the oldest log goes. */
export function makeRoom(file: string): void {
  for (let n = KEPT_LOGS; n > 1; n--) if (existsSync(`${file}.${n - 1}`)) renameSync(`${file}.${n - 1}`, `${file}.${n}`);
}

function isOpenAs(fd: number, file: string): boolean {
  try {
    const [open, named] = [fstatSync(fd), statSync(file)];
    return open.isFile() && open.ino === named.ino && open.dev === named.dev;
  } catch {
    return false;
  }
}

/** Nothing in Node itself reaches it. */
function libraryFunction(): ((from: number, to: number) => number) | undefined {
  try {
    const { dup2 } = process.getBuiltinModule("node:ffi").dlopen("libc.so.6", { dup2: { arguments: ["int32", "int32"], return: "int32" } }).functions;
    return dup2;
  } catch {
    return undefined; // another C library, or a Node without this module
  }
}
