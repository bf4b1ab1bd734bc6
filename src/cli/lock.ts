import { existsSync, mkdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Clock, sleep } from "#lib/clock.ts";
import { SkiffError } from "./errors.ts";

/** Longer than a `down` takes, which holds the lock until the last container has ended. */
const WAIT_MS = 20_000;
const POLL_MS = 25;

const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

export interface LockOptions {
  readonly clock: Clock;
  /** How long another holder is waited for. */
  readonly waitMs?: number;
  /** Told once, when there is somebody to wait for. */
  readonly onWait?: (holder: string) => void;
}

/**
 * Does `work` while no other skiff changes this data dir.
 *
 * The lock is the kernel's (SQLite's, as Node itself has none), so it ends with its holder however that ends: nobody
 * ever has to decide whether a holder is dead.
 *
 * @throws {SkiffError} SKF-1102 naming the holder, when it is still there after the wait
 */
export async function withLock<T>(dataDir: string, { clock, waitMs = WAIT_MS, onWait }: LockOptions, work: () => Promise<T>): Promise<T> {
  const file = join(dataDir, ".lock");
  const endMs = clock.monotonic() + waitMs;
  for (let told = false; ; told = true) {
    // A purge may have removed the folder while we waited.
    mkdirSync(dataDir, { recursive: true });
    const lock = tryLock(file);
    if (lock !== undefined) {
      try {
        return await work();
      } finally {
        lock.close();
      }
    }
    const [holder] = holdersIn(locks(), inodeOf(file));
    if (clock.monotonic() >= endMs) throw heldBy(holder);
    if (!told) onWait?.(nameOf(holder));
    await sleep(clock, POLL_MS);
  }
}

function heldBy(holder: number | undefined): SkiffError {
  return new SkiffError("SKF-1102", `${nameOf(holder)} is changing this cluster`, {
    remedy: holder === undefined ? "wait for it" : `wait for it, or: kill ${holder}`,
  });
}

function nameOf(holder: number | undefined): string {
  return holder === undefined ? "another skiff" : `another skiff (pid ${holder})`;
}

/** Undefined when somebody else has it. */
function tryLock(file: string): DatabaseSync | undefined {
  const database = open(file);
  if (database === undefined) return undefined;
  try {
    // Nothing is ever written, so nothing has to be taken back.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    // Whoever purged the cluster meanwhile removed the file that we have locked: that lock keeps nobody out.
    if (holdersIn(locks(), inodeOf(file)).includes(process.pid)) return database;
  } catch (error) {
    const { errcode } = error as { readonly errcode?: number };
    // Emptying spoils nobody's lock: one that is held is empty.
    if (errcode === SQLITE_NOTADB) truncateSync(file);
    else if (errcode !== SQLITE_BUSY) {
      database.close();
      throw error;
    }
  }
  database.close();
  return undefined;
}

/** Undefined when a purge has just removed the folder. */
function open(file: string): DatabaseSync | undefined {
  try {
    return new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    if (existsSync(dirname(file))) throw error;
    return undefined;
  }
}

/** The kernel's own list, a line for each lock: `1: POSIX  ADVISORY  WRITE 326 fe:00:10125651 …`. */
const locks = () => readFileSync("/proc/locks", "utf8");

const inodeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.ino;

/** The processes that have locked a file, and maybe some of a file with its number elsewhere: not every file system's device is told as `stat` has it. */
export function holdersIn(listing: string, inode: number | undefined): readonly number[] {
  return listing.split("\n").flatMap((line) => {
    const pid = Number(line.trim().split(/\s+/)[4]);
    return line.includes("WRITE") && line.includes(`:${inode} `) && pid > 0 ? [pid] : [];
  });
}
