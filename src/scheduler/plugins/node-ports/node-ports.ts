import type { HostPort } from "../../cluster/pod-info.ts";
import type { FilterPlugin, Refusal } from "../../framework.ts";

const REFUSAL: Refusal = { plugin: "NodePorts", reasons: ["node(s) didn't have free ports for the requested pod ports"], unresolvable: false };
const ANY_ADDRESS = "0.0.0.0";

/** Refuses nodes where a host port that the pod wants is taken. */
export const nodePorts: FilterPlugin = {
  name: "NodePorts",
  wakesOn: ["nodeAdded", "podRemoved"],
  filterFor({ hostPorts }, { nodes }) {
    if (hostPorts.length === 0) return undefined;
    return (slot) => {
      const taken = nodes.ports(slot);
      return taken !== undefined && hostPorts.some((port) => conflicts(port, taken)) ? REFUSAL : undefined;
    };
  },
};

/** The same port and protocol collide on the same address, and on every address when either side takes them all. */
function conflicts({ ip, protocol, port }: HostPort, taken: ReadonlyMap<string, number>): boolean {
  const prefix = `${protocol}/${port}/`;
  if (ip !== ANY_ADDRESS) return taken.has(prefix + ip) || taken.has(prefix + ANY_ADDRESS);
  for (const key of taken.keys()) if (key.startsWith(prefix)) return true;
  return false;
}
