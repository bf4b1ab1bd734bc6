/** Kernel switches without which packets between pods, node and loopback are dropped, and the values that a node needs. */
export const KERNEL_SWITCHES: Readonly<Record<string, string>> = {
  "/proc/sys/net/ipv4/ip_forward": "1",
  // Node ports are also served over 127.0.0.1, whose packets otherwise never leave the machine.
  "/proc/sys/net/ipv4/conf/all/route_localnet": "1",
};
