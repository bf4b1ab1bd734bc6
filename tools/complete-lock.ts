/**
 * Adds to package-lock.json the optional packages of other platforms that a registry did not have when the lock was
 * made. `npm ci` refuses a lock without them, though it installs none: `node tools/complete-lock.ts` after each change.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

const SYSTEMS = ["android", "darwin", "linux", "win32", "freebsd", "openharmony", "openbsd", "netbsd", "sunos", "aix"];
const PROCESSORS = ["arm64", "x64", "arm", "ppc64", "riscv64", "s390x", "ia32", "loong64", "mips64el"];

/** The entries that are missing, by their place; a package whose name tells no platform is no platform's. */
export function missingEntries({ packages }: Lock): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const place = `node_modules/${name}`;
      const platform = platformOf(name);
      if (platform === undefined || packages[place] !== undefined || packages[`${parent}/${place}`] !== undefined) continue;
      missing[place] = { version, ...(dev && { dev }), optional: true, ...platform } as LockEntry;
    }
  }
  return missing;
}

function platformOf(name: string): object | undefined {
  const words = (name.split("/").at(-1) ?? "").split("-");
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = words.find((word) => PROCESSORS.includes(word));
  if (os === undefined || cpu === undefined) return undefined;
  const libc =
    os !== "linux" ? undefined : words.some((word) => word.startsWith("musl")) ? "musl" : words.some((word) => word.startsWith("gnu")) ? "glibc" : undefined;
  return { os: [os], cpu: [cpu], ...(libc !== undefined && { libc: [libc] }) };
}

if (import.meta.main) {
  const file = new URL("../package-lock.json", import.meta.url);
  const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
  const packages = { ...lock.packages, ...missingEntries(lock) };
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
}
