import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SkiffError } from "./errors.ts";
import { isAlive, processInfo } from "./processes.ts";

interface Holder {
  readonly pid: number;
  readonly startTicks: number;
}

/**
 * Does `work` while no other skiff changes this data dir. A lock whose holder died is taken over.
 *
 * @throws {SkiffError} SKF-1102 naming the holder
 */
export async function withLock<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, ".lock");
  takeLock(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** A link is made whole or not at all, so nobody reads half a holder. */
function takeLock(file: string): void {
  const own: Holder = { pid: process.pid, startTicks: processInfo(process.pid)?.startTicks ?? 0 };
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(own));
  try {
    for (let attempt = 0; ; attempt++) {
      if (tryLink(draft, file)) return;
      const holder = readHolder(file);
      if (holder !== undefined && isAlive(holder)) {
        throw new SkiffError("SKF-1102", `another skiff (pid ${holder.pid}) is changing this cluster`, { remedy: `wait for it, or: kill ${holder.pid}` });
      }
      if (attempt > 2) throw new SkiffError("SKF-1102", `the lock ${file} cannot be taken`, { remedy: `rm ${file}` });
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}
