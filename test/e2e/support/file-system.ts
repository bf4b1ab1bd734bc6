import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { type TarFile, tarArchive } from "#lib/tar.ts";

const NOTHING = new Uint8Array();

/** One entry of a layer. */
export type Entry =
  | { readonly path: string; readonly data: Uint8Array | string; readonly mode?: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly folder: true; readonly mode?: number };

/** A layer of these entries; equal input gives equal bytes. Folders on the way are made. */
export function layerOf(entries: readonly Entry[]): Buffer {
  const files = new Map<string, TarFile>();
  const put = (path: string, mode: number, data: Uint8Array, linkTo?: string): void => {
    const parent = path.slice(0, path.lastIndexOf("/", path.length - 2) + 1);
    if (parent !== "" && !files.has(parent)) put(parent, 0o755, NOTHING);
    if (!files.has(path)) files.set(path, { path, mode, data, ...(linkTo !== undefined && { linkTo }) });
  };
  for (const entry of entries) {
    const path = entry.path.replace(/^\//, "");
    if ("folder" in entry) put(`${path}/`, entry.mode ?? 0o755, NOTHING);
    else if ("linkTo" in entry) put(path, 0o777, NOTHING, entry.linkTo);
    else put(path, entry.mode ?? 0o644, Buffer.from(entry.data));
  }
  return tarArchive([...files.values()]);
}

/** A shell and the small tools, from Debian's static busybox. */
export function busyboxEntries(): readonly Entry[] {
  const busybox = requireProgram(["/bin/busybox", "/usr/bin/busybox"], "busybox-static");
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n");
  const links = applets.filter((name) => name !== "busybox").map((name): Entry => ({ path: `/bin/${name}`, linkTo: "busybox" }));
  return [{ path: "/bin/busybox", data: readFileSync(busybox), mode: 0o755 }, ...links, { path: "/tmp", folder: true, mode: 0o1777 }, ...accounts()];
}

/** A program of this machine, with the libraries that it loads, at their own paths. */
export function programEntries(path: string): readonly Entry[] {
  const listing = execFileSync("ldd", [path], { encoding: "utf8" });
  const libraries = [...listing.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, library = ""]) => library);
  return [path, ...new Set(libraries)].map((file) => ({ path: file, data: readFileSync(realpathSync(file)), mode: 0o755 }));
}

/** @throws when none of the paths exists, naming the package that has it */
export function requireProgram(paths: readonly string[], debianPackage: string): string {
  const found = paths.find(existsSync);
  if (found === undefined) throw new Error(`${paths[0]} is missing: apt-get install ${debianPackage}`);
  return found;
}

function accounts(): readonly Entry[] {
  return [
    { path: "/etc/passwd", data: "root:x:0:0:root:/root:/bin/sh\nnginx:x:101:101:nginx:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n" },
    { path: "/etc/group", data: "root:x:0:\nnginx:x:101:\nnogroup:x:65534:\n" },
    { path: "/root", folder: true, mode: 0o700 },
  ];
}
