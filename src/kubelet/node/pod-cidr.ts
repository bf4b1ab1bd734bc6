import type { Node } from "#api/core-v1/types.ts";

const NODE_PREFIX = 24;

/**
 * The first /24 of the cluster's range that no node has.
 *
 * @param clusterCidr an IPv4 range, such as `10.42.0.0/16`
 * @returns `undefined` when all are taken
 */
export function freePodCidr(clusterCidr: string, nodes: readonly Node[]): string | undefined {
  const taken = new Set(nodes.flatMap(({ spec }) => [spec.podCIDR, ...(spec.podCIDRs ?? [])]));
  const [address = "", prefix = ""] = clusterCidr.split("/");
  const start = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const count = 2 ** Math.max(0, NODE_PREFIX - Number(prefix));
  for (let i = 0; i < count; i++) {
    const at = start + i * 256;
    const cidr = `${[at / 2 ** 24, at / 2 ** 16, at / 2 ** 8, at].map((part) => Math.floor(part) % 256).join(".")}/${NODE_PREFIX}`;
    if (!taken.has(cidr)) return cidr;
  }
  return undefined;
}
