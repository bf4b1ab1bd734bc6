import type { Node } from "#api/core-v1/types.ts";
import { firstFree, formatCidr, parseCidr } from "#lib/cidr.ts";

const NODE_PREFIX = 24;

/**
 * The first /24 of the cluster's range that no node has.
 *
 * @param clusterCidr an IPv4 range, such as `10.42.0.0/16`
 * @returns `undefined` when all are taken
 */
export function freePodCidr(clusterCidr: string, nodes: readonly Node[]): string | undefined {
  const whole = parseCidr(clusterCidr);
  const taken = nodes.flatMap(({ spec }) => [spec.podCIDR ?? "", ...(spec.podCIDRs ?? [])]).flatMap((text) => parseCidr(text) ?? []);
  const free = whole && firstFree(whole, NODE_PREFIX, taken);
  return free && formatCidr(free);
}
