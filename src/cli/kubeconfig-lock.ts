import { chownSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, sleep } from "#lib/clock.ts";
import { readIfThere } from "#lib/whole-file.ts";
import { SkiffError } from "./errors.ts";
import type { ConfigOwner } from "./kubeconfig-files.ts";
import { isAlive, processInfo } from "./processes.ts";

/** kubectl holds its lock for milliseconds. */
const WAIT_MS = 5000;
const POLL_MS = 20;

/**
 * Takes the lock that kubectl takes, too: a file that nobody else could make. Ours says who made it, so that one whose
 * maker was killed does not stay for ever.
 *
 * @returns the lock's path
 * @throws {SkiffError} SKF-1102
 */
export async function lockKubeconfig(path: string, owner: ConfigOwner, clock: Clock): Promise<string> {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chownSync(folder, owner.uid, owner.gid);
  }
  const lock = `${path}.lock`;
  const own = `skiff ${process.pid} ${processInfo(process.pid)?.startTicks ?? 0}`;
  for (const endMs = clock.monotonic() + WAIT_MS; clock.monotonic() < endMs; await sleep(clock, POLL_MS)) {
    if (tryMake(lock, own)) return lock;
    const holder = readIfThere(lock);
    if (holder !== undefined && isOfTheDead(holder)) breakLock(lock, holder);
  }
  throw new SkiffError("SKF-1102", `${path} is locked`, { reason: "kubectl or another program is changing it", remedy: `if none is: rm ${lock}` });
}

/** A link is made whole or not at all, so nobody reads half a holder. */
function tryMake(lock: string, content: string): boolean {
  const draft = `${lock}.${process.pid}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function isOfTheDead(holder: string): boolean {
  const [name, pid, startTicks] = holder.split(" ");
  return name === "skiff" && !isAlive({ pid: Number(pid), startTicks: Number(startTicks) });
}

/** Another one may be quicker and have made a lock of its own meanwhile; that is put back. */
function breakLock(lock: string, dead: string): void {
  const taken = `${lock}.broken.${process.pid}`;
  try {
    renameSync(lock, taken);
    if (readFileSync(taken, "utf8") !== dead) linkSync(taken, lock);
  } catch {
    // Somebody else was quicker still.
  } finally {
    rmSync(taken, { force: true });
  }
}
