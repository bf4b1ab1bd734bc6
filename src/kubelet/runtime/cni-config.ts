export interface CniOptions {
  readonly bridge: string;
  readonly podCidr: string;
  /** Where host-local keeps its leases. */
  readonly leaseDir: string;
  /** Whether the pods have ports of the host; the plugin for those calls iptables, even when there are none. */
  readonly hostPorts: boolean;
}

/** Name of the network, and so of host-local's folder of leases. */
export const CNI_NETWORK = "skiff";

/**
 * The node's pod network: a bridge, an address from the node's range, ports of the host.
 * Traffic that leaves the cluster's range is masqueraded by the service proxy, not by the plugin: one place knows all rules.
 */
export function cniConfig({ bridge, podCidr, leaseDir, hostPorts }: CniOptions): string {
  const network = {
    cniVersion: "0.4.0",
    name: CNI_NETWORK,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        hairpinMode: true,
        forceAddress: true,
        ipam: { type: "host-local", dataDir: leaseDir, ranges: [[{ subnet: podCidr }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
      ...(hostPorts ? [{ type: "portmap", capabilities: { portMappings: true }, snat: true }] : []),
    ],
  };
  return `${JSON.stringify(network, undefined, 2)}\n`;
}
