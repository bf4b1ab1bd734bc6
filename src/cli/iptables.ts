import { execFileSync } from "node:child_process";

/** The rules that CNI's plugin for host ports makes, shared by all containers of a machine. */
const PORT_CHAINS = "CNI-HOSTPORT-DNAT";
const OTHER_CHAINS = ["CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"] as const;

/** Removes the rules for these containers' ports, and, when no others are left, what the plugin made for all of them. */
export function removePortRules(containers: readonly string[]): void {
  for (const tool of ["iptables", "ip6tables"]) {
    const nat = (...words: string[]) => output(tool, ["-w", "-t", "nat", ...words]);
    // Asking iptables makes the table, so nft is asked first.
    const family = tool === "iptables" ? "ip" : "ip6";
    if (!output("nft", ["list", "table", family, "nat"]).includes(PORT_CHAINS)) continue;
    const rules = nat("-S", PORT_CHAINS).split("\n");
    const ours = rules.filter((rule) => containers.some((id) => id !== "" && rule.includes(id)));
    for (const rule of ours) removeRule(rule, nat);
    if (rules.every((rule) => !rule.startsWith("-A") || ours.includes(rule))) removePortChains(nat);
  }
}

type Nat = (...words: string[]) => string;

/** A rule leads to a chain of its own. */
function removeRule(rule: string, nat: Nat): void {
  nat("-D", ...wordsOf(rule).slice(1));
  const chain = /-j (CNI-DN-\S+)/.exec(rule)?.[1];
  if (chain === undefined) return;
  nat("-F", chain);
  nat("-X", chain);
}

function removePortChains(nat: Nat): void {
  for (const hook of ["PREROUTING", "OUTPUT", "POSTROUTING"]) {
    const jumps = nat("-S", hook)
      .split("\n")
      .filter((rule) => rule.startsWith("-A") && rule.includes("-j CNI-HOSTPORT-"));
    for (const rule of jumps) nat("-D", ...wordsOf(rule).slice(1));
  }
  for (const chain of [PORT_CHAINS, ...OTHER_CHAINS]) {
    nat("-F", chain);
    nat("-X", chain);
  }
}

/** Splits a rule as `iptables -S` prints it; only comments are in quotes, with escaped ones inside. */
export function wordsOf(rule: string): string[] {
  return [...rule.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)].map(([word, quoted]) => (quoted === undefined ? word : quoted.replace(/\\(.)/g, "$1")));
}

/** Removes those of the tables (`ip nat`) that have neither a rule nor a chain of anybody's own. */
export function removeEmptyTables(names: readonly string[]): void {
  for (const name of names) {
    const listing = output("nft", ["-j", "list", "table", ...name.split(" ")]);
    if (listing !== "" && isEmptyTable(listing)) output("nft", ["delete", "table", ...name.split(" ")]);
  }
}

interface NftEntry {
  readonly chain?: { readonly hook?: string; readonly policy?: string };
  readonly table?: unknown;
  readonly metainfo?: unknown;
}

/** Whether a table, as nft prints it in JSON, lets everything pass. */
export function isEmptyTable(listing: string): boolean {
  const { nftables } = JSON.parse(listing) as { nftables: NftEntry[] };
  return nftables.every(({ chain, table, metainfo }) => {
    if (chain !== undefined) return chain.hook !== undefined && chain.policy === "accept";
    return table !== undefined || metainfo !== undefined;
  });
}

/** A tool's output; empty when it failed. */
function output(tool: string, words: readonly string[]): string {
  try {
    return execFileSync(tool, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}
