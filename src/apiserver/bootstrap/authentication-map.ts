import { X509Certificate } from "node:crypto";

type Data = Readonly<Record<string, string>>;

const BUNDLES = new Set(["client-ca-file", "requestheader-client-ca-file"]);
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;

/**
 * What extension API servers are told of whom to believe, by all API servers of the cluster together: authorities of others
 * stay until they end, names and headers for good.
 *
 * @see kubernetes pkg/controlplane/controller/clusterauthenticationtrust
 */
export function combinedAuthentication(found: Data, own: Data, nowMs: number): Data {
  const all: Record<string, string> = {};
  for (const key of new Set([...Object.keys(found), ...Object.keys(own)])) {
    const [theirs, ours] = [found[key] ?? "", own[key] ?? ""];
    if (theirs === ours || theirs === "") all[key] = ours;
    else all[key] = BUNDLES.has(key) ? combinedBundle(theirs, ours, nowMs) : combinedList(theirs, ours);
  }
  return all;
}

function combinedBundle(theirs: string, ours: string, nowMs: number): string {
  const blocks = `${theirs}\n${ours}`.match(CERTIFICATE) ?? [];
  const alive = blocks.filter((block) => isAlive(block, nowMs)).map((block) => `${block.trimEnd()}\n`);
  return [...new Set(alive)].join("");
}

/** What cannot be read is not kept. */
function isAlive(block: string, nowMs: number): boolean {
  try {
    return new X509Certificate(block).validToDate.getTime() > nowMs;
  } catch {
    return false;
  }
}

/** A list as JSON; what is none is replaced. */
function combinedList(theirs: string, ours: string): string {
  const listOf = (text: string): readonly string[] => {
    try {
      const value: unknown = JSON.parse(text);
      return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
    } catch {
      return [];
    }
  };
  return JSON.stringify([...new Set([...listOf(theirs), ...listOf(ours)])]);
}
