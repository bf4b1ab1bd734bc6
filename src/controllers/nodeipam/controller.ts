import { NODES } from "#api/builtin.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { referenceTo } from "#client/event-recorder.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { firstFree, formatCidr, parseCidr } from "#lib/cidr.ts";

const NODE_MASK_BITS = 24;

/** Gives each node a range of pod addresses. */
export function startNodeIpam(deps: ControllerDeps, clusterCidr: string): void {
  const whole = parseCidr(clusterCidr);
  if (whole === undefined) throw new RangeError(`${JSON.stringify(clusterCidr)} is no IPv4 range`);
  const nodes = deps.informers.informer(NODES);
  const recorder = deps.recorderFor("cidrAllocator");
  const sync = async (key: ObjectKey) => {
    const node = nodes.get(key);
    if (node === undefined || node.spec?.podCIDR || node.metadata.deletionTimestamp !== undefined) return;
    const taken = nodes.list().flatMap(({ spec }) => parseCidr(spec?.podCIDR ?? "") ?? []);
    const free = firstFree(whole, NODE_MASK_BITS, taken);
    if (free === undefined) {
      recorder.record(referenceTo(NODES, node), "Normal", "CIDRNotAvailable", `Node ${key} status is now: CIDRNotAvailable`);
      throw new Error(`no pod range is left for node ${key}`);
    }
    const podCIDR = formatCidr(free);
    await deps.client.patch(NODES, { name: key }, "merge", { spec: { podCIDR, podCIDRs: [podCIDR] } });
  };
  // One at a time: two nodes must not be given the same range.
  const queue = queueFor(deps, { name: "nodeipam", sync, workers: 1 });
  nodes.onChange({
    added: ({ metadata }) => queue.add(metadata.name),
    updated: ({ metadata, spec }) => {
      if (!spec?.podCIDR) queue.add(metadata.name);
    },
  });
}
