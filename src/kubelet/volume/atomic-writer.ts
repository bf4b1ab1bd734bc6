import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

export interface PayloadFile {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Owner of the file; root when absent. */
  readonly uid?: number | undefined;
}

/** Files by their path inside the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const DATA = "..data";
const DATA_NEW = "..data_tmp";

/**
 * Shows `payload` in `dir` so that a reader sees all of the old files or all of the new ones: files stand in a folder of
 * their own, `..data` points at it and is swapped by rename, and visible names are links through `..data`. A call that was
 * cut off is brought to its end by the next one.
 *
 * @param gid group of the files, from the pod's fsGroup
 * @returns whether anything changed
 * @see pkg/volume/util/atomic_writer.go
 */
export function writeAtomically(dir: string, payload: Payload, gid: number | undefined, nowMs: number): boolean {
  mkdirSync(dir, { recursive: true });
  const old = linkTarget(join(dir, DATA));
  if (old !== undefined && holds(join(dir, old), payload)) {
    tidy(dir, payload, old);
    return false;
  }
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replace("T", "_").replace(/[-:]/g, "_");
  const fresh = mkdtempSync(join(dir, `..${stamp}.`));
  chmodSync(fresh, 0o755);
  for (const [path, file] of payload) writeOne(join(fresh, path), file, gid);
  const target = fresh.slice(dir.length + 1);
  rmSync(join(dir, DATA_NEW), { force: true });
  symlinkSync(target, join(dir, DATA_NEW));
  renameSync(join(dir, DATA_NEW), join(dir, DATA));
  tidy(dir, payload, target);
  return true;
}

function writeOne(path: string, { data, mode, uid }: PayloadFile, gid: number | undefined): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, data, { mode });
  chmodSync(path, mode);
  if (uid !== undefined || gid !== undefined) chownSync(path, uid ?? 0, gid ?? 0);
}

/**
 * Shows the names that are in `target`, and removes other ones of ours and what they led to. What else is there may be a
 * place where a container has mounted another volume.
 */
function tidy(dir: string, payload: Payload, target: string): void {
  const names = new Set([...payload.keys()].map((path) => path.split("/")[0] as string));
  const present = new Set(readdirSync(dir));
  for (const name of names) if (!present.has(name)) symlinkSync(join(DATA, name), join(dir, name));
  const isOurs = (name: string) => name.startsWith("..") || linkTarget(join(dir, name))?.startsWith(`${DATA}/`);
  const surplus = [...present].filter((name) => !names.has(name) && name !== DATA && name !== target && isOurs(name));
  for (const name of surplus) rmSync(join(dir, name), { recursive: true, force: true });
}

function holds(dir: string, payload: Payload): boolean {
  try {
    const present = filesUnder(dir, "");
    if (present.length !== payload.size) return false;
    return present.every((path) => {
      const file = payload.get(path);
      const full = join(dir, path);
      return file !== undefined && (lstatSync(full).mode & 0o7777) === file.mode && readFileSync(full).equals(file.data);
    });
  } catch {
    return false;
  }
}

function filesUnder(dir: string, prefix: string): string[] {
  return readdirSync(join(dir, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = join(prefix, entry.name);
    return entry.isDirectory() ? filesUnder(dir, path) : [path];
  });
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
