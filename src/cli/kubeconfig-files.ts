import { chownSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Document } from "yaml";
import { SkiffError } from "./errors.ts";
import { applyEdit, type ConfigFile, currentContext, type Edit, EMPTY_CONFIG, mergeEdits, removalEdits, type Stanzas } from "./kubeconfig.ts";

export interface ConfigOwner {
  readonly home: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The files that kubectl would read, in order.
 *
 * @param flag `--kubeconfig`
 */
export function kubeconfigPaths(flag: string | undefined, variable: string | undefined, home: string): readonly string[] {
  if (flag !== undefined) return [resolve(flag)];
  const listed = (variable ?? "").split(":").filter((path) => path !== "");
  return listed.length > 0 ? [...new Set(listed.map((path) => resolve(path)))] : [join(home, ".kube/config")];
}

/** The user who asked: under sudo, the one who typed it. */
export function configOwner(env: Readonly<Record<string, string | undefined>>, passwd: string): ConfigOwner {
  const entries = passwd.split("\n").map((line) => line.split(":"));
  const sudoer = entries.find(([name]) => name !== "" && name === env["SUDO_USER"]);
  if (sudoer !== undefined) return { home: sudoer[5] ?? "/root", uid: Number(sudoer[2]), gid: Number(sudoer[3]) };
  return { home: env["HOME"] ?? "/root", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** @returns the context that was current before, or an empty text */
export async function mergeKubeconfig(paths: readonly string[], stanzas: Stanzas, switchContext: boolean, owner: ConfigOwner): Promise<string> {
  return withFiles(paths, owner, (files) => ({ edits: mergeEdits(files, stanzas, switchContext), result: currentContext(files)?.value ?? "" }));
}

export async function removeFromKubeconfig(paths: readonly string[], name: string, previous: string, owner: ConfigOwner): Promise<void> {
  const existing = paths.filter((path) => existsSync(path));
  await withFiles(existing, owner, (files) => ({ edits: removalEdits(files, name, previous), result: undefined }));
}

/** A kubeconfig of its own, with nothing else in it. */
export async function writeKubeconfig(path: string, stanzas: Stanzas): Promise<void> {
  const { Document } = await import("yaml");
  const document = new Document(EMPTY_CONFIG);
  for (const edit of mergeEdits([{ path, document: undefined }], stanzas, true)) applyEdit(document, edit);
  replaceFile(path, document.toString(LAYOUT), undefined);
}

/** Base64 lines are not folded. */
const LAYOUT = { lineWidth: 0, flowCollectionPadding: false };

async function withFiles<T>(
  paths: readonly string[],
  owner: ConfigOwner,
  decide: (files: readonly ConfigFile[]) => { readonly edits: readonly Edit[]; readonly result: T },
): Promise<T> {
  const locks = paths.map((path) => lockFile(path, owner));
  try {
    const { Document, parseDocument } = await import("yaml");
    const files = paths.map(
      (path): ConfigFile => ({ path, document: existsSync(path) ? parse(path, parseDocument, () => new Document(EMPTY_CONFIG)) : undefined }),
    );
    const { edits, result } = decide(files);
    for (const { path, document } of files) {
      const own = edits.filter((edit) => edit.path === path);
      if (own.length === 0) continue;
      const changed = document ?? new Document(EMPTY_CONFIG);
      const before = document?.toString(LAYOUT);
      for (const edit of own) applyEdit(changed, edit);
      const text = changed.toString(LAYOUT);
      if (text !== before) replaceFile(path, text, owner);
    }
    return result;
  } finally {
    for (const lock of locks) rmSync(lock, { force: true });
  }
}

function parse(path: string, parseDocument: (text: string) => Document.Parsed, empty: () => Document): Document {
  const document = parseDocument(readFileSync(path, "utf8"));
  const problem = document.errors[0];
  if (problem !== undefined)
    throw new SkiffError("SKF-1701", `${path} is not YAML`, { reason: problem.message, remedy: "correct the file, or name another: --kubeconfig FILE" });
  return document.contents === null ? empty() : document;
}

/** The lock that kubectl takes, too. */
function lockFile(path: string, owner: ConfigOwner): string {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chownSync(folder, owner.uid, owner.gid);
  }
  const lock = `${path}.lock`;
  try {
    closeSync(openSync(lock, "wx"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new SkiffError("SKF-1102", `${path} is locked`, { reason: "kubectl or another program is changing it", remedy: `if none is: rm ${lock}` });
  }
  return lock;
}

/** Whole or not at all; an existing file keeps its owner and mode. */
function replaceFile(path: string, text: string, owner: ConfigOwner | undefined): void {
  const old = existsSync(path) ? statSync(path) : undefined;
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: old === undefined ? 0o600 : old.mode & 0o777 });
  const keeper = old ?? owner;
  if (keeper !== undefined) chownSync(temporary, keeper.uid, keeper.gid);
  renameSync(temporary, path);
}
