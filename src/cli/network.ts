import { execFileSync } from "node:child_process";
import { globSync, readFileSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { removePortRules } from "./iptables.ts";

/** The name of a cluster's bridge, table or other device, as `pathsOf()` gives out instances. */
const INSTANCE = /^(skiff|skf[0-9a-f]{6})(?:0$|$|[-_])/;

/**
 * Removes a cluster's devices, tables, addresses and rules for host ports from this network. Pods' ends go with their
 * network namespaces, which are mounts below the run dir; this removes what is left of them.
 *
 * @param addresses that the agent gave to the loopback device
 * @param runDir the cluster's, if it is known: containers in there are its own whatever bridge they were on
 */
export function removeNetwork(instance: string, addresses: readonly string[], runDir?: string): void {
  removeLinks(instance, addresses);
  const results = cniResults(instance, runDir);
  removePortRules(results.map(containerOf));
  for (const file of results) rmSync(file, { force: true });
  for (const { family, name } of tables()) if (isOurTable(name, instance)) output("nft", ["delete", "table", family, name]);
}

/**
 * The instances that have devices or tables here. One that has no process any more still answers for its addresses.
 */
export function instancesHere(): ReadonlySet<string> {
  const names = [...deviceNames(readFileSync("/proc/self/net/dev", "utf8")), ...tables().map(({ name }) => name)];
  return new Set(names.flatMap((name) => INSTANCE.exec(name)?.[1] ?? []));
}

/** @param text of /proc/net/dev: two lines of heading, then `name: figures` */
function deviceNames(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []);
}

interface Link {
  readonly ifname: string;
}

function removeLinks(instance: string, addresses: readonly string[]): void {
  const bridge = `${instance}0`;
  const onBridge = new Set(ipJson<Link>(["link", "show", "master", bridge]).map(({ ifname }) => ifname));
  const ours = ipJson<Link>(["link", "show"]).filter(({ ifname }) => onBridge.has(ifname) || ifname === bridge || ifname.startsWith(`${instance}-`));
  const commands = ours.map(({ ifname }) => `link delete dev ${ifname}`);
  commands.push(...[...new Set(addresses)].map((address) => `address delete ${address}/32 dev lo`));
  output("ip", ["-force", "-batch", "-"], `${commands.join("\n")}\n`);
}

interface CniResult {
  /** Base64. */
  readonly config?: string;
  readonly result?: { readonly interfaces?: readonly { readonly sandbox?: string }[] };
}

/** What the CNI library keeps, for all containerds of a machine, of each network that a container has. */
function cniResults(instance: string, runDir: string | undefined): readonly string[] {
  return globSync("/var/lib/cni/results/*").filter((file) => {
    try {
      const { config = "", result } = JSON.parse(readFileSync(file, "utf8")) as CniResult;
      const spaces = (result?.interfaces ?? []).flatMap(({ sandbox }) => (sandbox === undefined ? [] : [sandbox]));
      const isOnBridge = Buffer.from(config, "base64").toString().includes(`"${instance}0"`);
      return isOnBridge || (runDir !== undefined && spaces.some((space) => space.startsWith(`${runDir}/`)));
    } catch {
      return false;
    }
  });
}

/** `skiff-CONTAINER-eth0`, after network, container and device. */
function containerOf(file: string): string {
  return basename(file).split("-").at(-2) ?? "";
}

interface Table {
  readonly family: string;
  readonly name: string;
}

function tables(): readonly Table[] {
  const listing = output("nft", ["-j", "list", "tables"]);
  if (listing === "") return [];
  const { nftables } = JSON.parse(listing) as { nftables: { table?: Table }[] };
  return nftables.flatMap(({ table }) => table ?? []);
}

/** `skiff`, `skiff_nat`, `skiff-filter`; but not `skiffle`. */
export function isOurTable(name: string, instance: string): boolean {
  return name === instance || name.startsWith(`${instance}_`) || name.startsWith(`${instance}-`);
}

function ipJson<T>(words: readonly string[]): readonly T[] {
  const text = output("ip", ["-j", ...words]);
  return text === "" ? [] : (JSON.parse(text) as T[]).filter((entry) => Object.keys(entry as object).length > 0);
}

/** A tool's output; empty when the tool or the thing it was asked for is not there. */
function output(tool: string, words: readonly string[], input = ""): string {
  try {
    return execFileSync(tool, words, { encoding: "utf8", stdio: ["pipe", "pipe", "ignore"], input }).trim();
  } catch {
    return "";
  }
}
