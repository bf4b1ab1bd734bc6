import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

/** One entry of a layer. */
export type Entry =
  | { readonly path: string; readonly data: Uint8Array | string; readonly mode?: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly folder: true; readonly mode?: number };

/** A layer of these entries; equal input gives equal bytes. Folders on the way are made. */
export async function layerOf(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  const mtime = new Date(0);
  const made = new Set<string>([""]);
  const folder = (name: string, mode = 0o755): void => {
    if (made.has(name)) return;
    folder(name.slice(0, Math.max(0, name.lastIndexOf("/"))));
    made.add(name);
    archive.entry({ name: `${name}/`, type: "directory", mode, mtime });
  };
  for (const entry of entries) {
    const name = entry.path.replace(/^\//, "");
    if ("folder" in entry) {
      folder(name, entry.mode);
      continue;
    }
    folder(name.slice(0, Math.max(0, name.lastIndexOf("/"))));
    if ("linkTo" in entry) archive.entry({ name, type: "symlink", linkname: entry.linkTo, mtime });
    else archive.entry({ name, mode: entry.mode ?? 0o644, mtime }, Buffer.from(entry.data));
  }
  archive.finalize();
  return buffer(archive);
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
