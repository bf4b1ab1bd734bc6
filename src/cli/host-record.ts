import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KERNEL_SWITCHES } from "#lib/kernel-switches.ts";
import { readIfThere, writeWhole } from "#lib/whole-file.ts";
import type { Paths } from "./paths.ts";

/** How the machine was before a cluster first started here; `down --purge` brings that back. */
export interface HostRecord {
  /** Kernel switches by path, with the value that they had. */
  readonly switches: Readonly<Record<string, string>>;
  /** nftables tables that iptables makes, and that were not there: `ip nat`. */
  readonly absentTables: readonly string[];
  /** Folders that others may use, too, and that were there. */
  readonly folders: readonly string[];
  /** Service addresses that the loopback device was given. */
  readonly addresses: readonly string[];
}

/** What shims, runc and CNI plugins make for all containerds of a machine, inner folders first. */
export const SHARED_FOLDERS = [
  "/run/containerd/runc/k8s.io",
  "/run/containerd/runc",
  "/run/containerd/fifo",
  "/run/containerd/s",
  "/run/containerd",
  "/var/lib/cni/results",
  "/var/lib/cni",
] as const;

/** Where the plugin for host ports has its rules. */
const IPTABLES_TABLES = ["ip nat", "ip6 nat"] as const;

/**
 * Notes the machine's state before the first start; costs a look at one file afterwards.
 *
 * @param hadDataDir whether the data dir was there before this command
 * @param note told when the record cannot be read; it is not made anew, as the machine has been changed by now
 */
export function rememberHost(paths: Paths, address: string, hadDataDir: boolean, note: (text: string) => void): void {
  const file = recordFile(paths);
  if (existsSync(file)) {
    const known = readHostRecord(paths);
    if (known === undefined) note(`note: ${file} is damaged, so that down --purge will leave kernel switches as they are`);
    else if (!known.addresses.includes(address)) write(paths, { ...known, addresses: [...known.addresses, address] });
    return;
  }
  const tables = tableNames();
  write(paths, {
    switches: Object.fromEntries(Object.keys(KERNEL_SWITCHES).map((path) => [path, readIfThere(path)?.trim() ?? ""])),
    absentTables: IPTABLES_TABLES.filter((name) => !tables.includes(name)),
    folders: [...SHARED_FOLDERS, ...ownFolders(paths)].filter((folder) => (folder === paths.dataDir ? hadDataDir : existsSync(folder))),
    addresses: [address],
  });
}

/** Folders that may lie outside of the data dir or have been made by the user, the data dir last. */
export function ownFolders({ runDir, kubeletDir, podLogsDir, containerLogsDir, dataDir }: Paths): readonly string[] {
  return [runDir, kubeletDir, podLogsDir, containerLogsDir, dataDir];
}

/** Undefined when there is none, or none that can be read. */
export function readHostRecord(paths: Paths): HostRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(paths), "utf8")) as HostRecord;
  } catch {
    return undefined;
  }
}

/** Sets kernel switches back, unless somebody else has changed them since. */
export function restoreSwitches({ switches }: HostRecord): void {
  for (const [path, before] of Object.entries(switches)) {
    const now = readIfThere(path)?.trim();
    if (before !== "" && now !== before && now === KERNEL_SWITCHES[path]) writeFileSync(path, before);
  }
}

/** Another cluster still needs what this one has changed: it is that one's to bring back, then. */
export function handOverRecord(record: HostRecord, heir: Paths): void {
  const theirs = readHostRecord(heir);
  if (theirs === undefined) return;
  write(heir, {
    ...theirs,
    // What the other cluster found was mostly our doing already.
    switches: { ...theirs.switches, ...Object.fromEntries(Object.entries(record.switches).filter(([path, before]) => before !== KERNEL_SWITCHES[path])) },
    absentTables: [...new Set([...theirs.absentTables, ...record.absentTables])],
    folders: theirs.folders.filter((folder) => !isShared(folder) || record.folders.includes(folder)),
  });
}

/** The tables that nft knows, such as `ip nat`. */
function tableNames(): readonly string[] {
  try {
    const listing = execFileSync("nft", ["list", "tables"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return listing.split("\n").flatMap((line) => (line.startsWith("table ") ? [line.slice("table ".length).trim()] : []));
  } catch {
    return [];
  }
}

function isShared(folder: string): boolean {
  return (SHARED_FOLDERS as readonly string[]).includes(folder);
}

function write(paths: Paths, record: HostRecord): void {
  writeWhole(recordFile(paths), `${JSON.stringify(record, undefined, 2)}\n`);
}

function recordFile({ dataDir }: Paths): string {
  return join(dataDir, "host.json");
}
