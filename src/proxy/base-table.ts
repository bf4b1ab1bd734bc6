/** What the table depends on besides services. */
export interface TableConfig {
  /** The table's name; clusters on one machine have one each. */
  readonly name: string;
  readonly serviceCidr: string;
  readonly clusterCidr: string;
  /** The pods of this node. */
  readonly podCidr: string;
  /** Where DNS answers; it lies in the service range, but is no Service. */
  readonly clusterDns: string;
}

/** How many slots a draw may have in a new table; more need another table. */
export const INITIAL_DRAW = 64;

/**
 * The table without any service, as an nft script that replaces whatever an earlier run left.
 *
 * A connection to a service's address or node port goes to the chain for its number of endpoints, which draws a slot
 * and takes the endpoint from the slot map; all per-service state is elements of flat maps. The chains are made here for
 * all numbers up to `maxDraw`, as nft 1.0.6 refuses a later rule on such a map ("conflicting protocols").
 */
export function baseTable({ name, serviceCidr, clusterCidr, podCidr, clusterDns }: TableConfig, maxDraw = INITIAL_DRAW): string {
  return `
table ip ${name} {}
delete table ip ${name}
table ip ${name} {
  map cluster_ips { typeof ip daddr . meta l4proto . th dport : verdict; }
  map cluster_ip_slots { typeof ip daddr . meta l4proto . th dport . numgen random mod 65536 : ip daddr . th dport; }
  map node_ports { typeof meta l4proto . th dport : verdict; }
  map node_port_slots { typeof meta l4proto . th dport . numgen random mod 65536 : ip daddr . th dport; }
  set idle_ips { typeof ip daddr . meta l4proto . th dport; }
  set idle_ports { typeof meta l4proto . th dport; }
  set hairpins { typeof ip saddr . ip daddr; }
${drawChains(maxDraw)}

  chain services {
    ip daddr . meta l4proto . th dport vmap @cluster_ips
    fib daddr type local meta l4proto . th dport vmap @node_ports
  }
  chain prerouting {
    type nat hook prerouting priority -100;
    jump services
  }
  chain output {
    type nat hook output priority -100;
    jump services
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ct status dnat ip saddr . ip daddr @hairpins masquerade
    ct status dnat ip saddr 127.0.0.0/8 masquerade
    ct status dnat ip saddr != ${clusterCidr} ip daddr != ${podCidr} masquerade
    ip saddr ${podCidr} ip daddr != ${clusterCidr} ct status != dnat masquerade
  }
  chain idle {
    ip daddr . meta l4proto . th dport @idle_ips reject
    ip daddr != ${clusterDns} ip daddr ${serviceCidr} reject
  }
  chain filter_forward {
    type filter hook forward priority 0;
    ct state new jump idle
  }
  chain filter_output {
    type filter hook output priority 0;
    ct state new jump idle
  }
  chain filter_input {
    type filter hook input priority 0;
    ct state new fib daddr type local meta l4proto . th dport @idle_ports reject
  }
}
`;
}

function drawChains(maxDraw: number): string {
  return Array.from({ length: maxDraw }, (_, i) => i + 1)
    .map(
      (slots) => `  chain pick_${slots} { dnat ip to ip daddr . meta l4proto . th dport . numgen random mod ${slots} map @cluster_ip_slots; }
  chain pick_node_port_${slots} { dnat ip to meta l4proto . th dport . numgen random mod ${slots} map @node_port_slots; }`,
    )
    .join("\n");
}
