import { existsSync, readdirSync, readFileSync, realpathSync, rmdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Document } from "yaml";
import type { Clock } from "#lib/clock.ts";
import { readIfThere, writeIfChanged, writeWhole } from "#lib/whole-file.ts";
import { SkiffError } from "./errors.ts";
import {
  applyEdit,
  type ConfigFile,
  currentContext,
  type Edit,
  EMPTY_CONFIG,
  mergeEdits,
  removalEdits,
  renewalEdits,
  type RenewedSection,
  type Stanzas,
} from "./kubeconfig.ts";
import { lockKubeconfig } from "./kubeconfig-lock.ts";

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

export interface Merged {
  /** The context that was current before, or an empty text. */
  readonly previous: string;
  /** Files that were not there before. */
  readonly made: readonly string[];
}

export async function mergeKubeconfig(paths: readonly string[], stanzas: Stanzas, switchContext: boolean, { owner, clock }: Access): Promise<Merged> {
  const missing = paths.filter((path) => !existsSync(path));
  const previous = await withFiles(paths, { owner, clock }, (files) => ({
    edits: mergeEdits(files, stanzas, switchContext),
    result: currentContext(files)?.value ?? "",
  }));
  return { previous, made: missing.filter((path) => existsSync(path)) };
}

/** Gives a new certificate to the files that have one of this cluster's. */
export async function renewInKubeconfig(paths: readonly string[], stanzas: Stanzas, access: Access, sections: readonly RenewedSection[]): Promise<void> {
  const existing = paths.filter((path) => existsSync(path));
  await withFiles(existing, access, (files) => ({ edits: renewalEdits(files, stanzas, sections), result: undefined }));
}

/** Whose files they are, and how long to wait for others that change them. */
export interface Access {
  readonly owner: ConfigOwner;
  readonly clock: Clock;
}

/** @param made files that go when nothing is left in them */
export async function removeFromKubeconfig(
  paths: readonly string[],
  { name, previous, made }: { readonly name: string; readonly previous: string; readonly made: readonly string[] },
  access: Access,
): Promise<void> {
  const existing = paths.filter((path) => existsSync(path));
  await withFiles(existing, access, (files) => ({ edits: removalEdits(files, name, previous), result: undefined }));
  const { parse: read } = await import("yaml");
  for (const path of existing) {
    if (!made.includes(path) || !isDeepStrictEqual(read(readFileSync(path, "utf8")), EMPTY_CONFIG)) continue;
    rmSync(path);
    removeIfEmpty(dirname(path));
  }
}

/** `~/.kube` without anything in it; other folders are not ours to judge. */
function removeIfEmpty(folder: string): void {
  if (basename(folder) === ".kube" && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** A kubeconfig of its own, with nothing else in it. */
export async function writeKubeconfig(path: string, stanzas: Stanzas): Promise<void> {
  const { Document } = await import("yaml");
  const document = new Document(EMPTY_CONFIG);
  for (const edit of mergeEdits([{ path, document: undefined }], stanzas, true)) applyEdit(document, edit);
  writeIfChanged(path, document.toString(layoutOf("")));
}

/** Base64 lines are not folded; lists are indented as the file has them; kubectl does not indent them. */
function layoutOf(text: string) {
  return { lineWidth: 0, flowCollectionPadding: false, indentSeq: /^(clusters|users|contexts):\n +- /m.test(text) };
}

async function withFiles<T>(
  paths: readonly string[],
  { owner, clock }: Access,
  decide: (files: readonly ConfigFile[]) => { readonly edits: readonly Edit[]; readonly result: T },
): Promise<T> {
  const locks: string[] = [];
  try {
    // In one order, so that two who change several files do not wait for each other.
    for (const path of paths.toSorted()) locks.push(await lockKubeconfig(path, owner, clock));
    const { Document, isMap, parseDocument } = await import("yaml");
    const files = paths.map(
      (path): ConfigFile => ({ path, document: existsSync(path) ? parse(path, { parseDocument, isMap, empty: () => new Document(EMPTY_CONFIG) }) : undefined }),
    );
    const { edits, result } = decide(files);
    for (const { path, document } of files) {
      const own = edits.filter((edit) => edit.path === path);
      if (own.length === 0) continue;
      const changed = document ?? new Document(EMPTY_CONFIG);
      const layout = layoutOf(readIfThere(path) ?? "");
      const before = document?.toString(layout);
      for (const edit of own) applyEdit(changed, edit);
      const text = changed.toString(layout);
      if (text !== before) replaceFile(path, text, owner);
    }
    return result;
  } finally {
    for (const lock of locks) rmSync(lock, { force: true });
  }
}

interface Yaml {
  readonly parseDocument: (text: string) => Document.Parsed;
  readonly isMap: (node: unknown) => boolean;
  readonly empty: () => Document;
}

function parse(path: string, { parseDocument, isMap, empty }: Yaml): Document {
  const document = parseDocument(readFileSync(path, "utf8"));
  const problem = document.errors[0];
  if (problem !== undefined)
    throw new SkiffError("SKF-1701", `${path} is not YAML`, { reason: problem.message, remedy: "correct the file, or name another: --kubeconfig FILE" });
  if (document.contents !== null && !isMap(document.contents))
    throw new SkiffError("SKF-1701", `${path} is no kubeconfig`, { remedy: "correct the file, or name another: --kubeconfig FILE" });
  return document.contents === null ? empty() : document;
}

/** Whole or not at all; an existing file keeps its owner and mode, and a link stays one. */
function replaceFile(path: string, text: string, owner: ConfigOwner): void {
  if (!existsSync(path)) return writeWhole(path, text, { owner });
  const target = realpathSync(path);
  const { mode, uid, gid } = statSync(target);
  writeWhole(target, text, { mode: mode & 0o777, owner: { uid, gid } });
}
