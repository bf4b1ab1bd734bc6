import { existsSync, globSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isAlive, processInfo } from "#cli/processes.ts";

const OWNER = ".owner";

/** A folder below the system's temporary one that says whose it is, so that what a killed run has left is told from what is in use. */
export function ownFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  claim(folder);
  return folder;
}

/** Folders whose makers are gone, whatever checkout they ran in. From now on they are this process's: no other takes them down meanwhile. */
export function abandonedFolders(prefix: string): string[] {
  const marks = globSync(join(tmpdir(), `${prefix}*`, OWNER)).filter((mark) => !isOwned(mark));
  return marks.filter(take).map(dirname);
}

function isOwned(mark: string): boolean {
  if (!existsSync(mark)) return true; // another has just taken it
  const [pid = 0, startTicks = 0] = readFileSync(mark, "utf8").split(" ").map(Number);
  return isAlive({ pid, startTicks });
}

/** Of those that try, one succeeds. */
function take(mark: string): boolean {
  try {
    renameSync(mark, `${mark}.${process.pid}`);
  } catch {
    return false;
  }
  claim(dirname(mark));
  return true;
}

function claim(folder: string): void {
  writeFileSync(join(folder, OWNER), `${process.pid} ${processInfo(process.pid)?.startTicks}`);
}
