import { chownSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export interface WholeFileOptions {
  /** Permissions of the new file; 0600 by default. */
  readonly mode?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * Writes a file so that at any moment, also after a power loss, it has either the old or the new content. Folders that
 * are missing are made, for us alone.
 */
export function writeWhole(path: string, text: string, { mode = 0o600, owner }: WholeFileOptions = {}): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  try {
    // A draft that was left behind may have other permissions.
    rmSync(draft, { force: true });
    const file = openSync(draft, "wx", mode);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (owner !== undefined) chownSync(draft, owner.uid, owner.gid);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  const entries = openSync(folder, "r");
  try {
    fsyncSync(entries);
  } finally {
    closeSync(entries);
  }
}

/** As `writeWhole()`, but leaves a file alone that has this content already, which saves the disk's time. @returns whether it wrote */
export function writeIfChanged(path: string, text: string, options?: WholeFileOptions): boolean {
  if (readIfThere(path) === text) return false;
  writeWhole(path, text, options);
  return true;
}

/** A file's text; undefined when there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
