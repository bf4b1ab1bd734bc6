import { NODES } from "#api/builtin.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { isPodCreate, podOf } from "#apiserver/admission/plugins/attributes.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

const TOPOLOGY = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/** What a pod takes over from its node: zone and region, where the node tells them. */
export function topologyLabels(reader: ObjectReader, nodeName: string): Readonly<Record<string, string>> {
  const labels = reader.lookup(NODES, "", nodeName)?.metadata.labels ?? {};
  return Object.fromEntries(TOPOLOGY.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])));
}

/** Gives a pod that comes with a node the node's zone and region; others get them when they are bound. */
export function podTopologyLabels(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "PodTopologyLabels",
    handles: isPodCreate,
    admit(attributes) {
      const { metadata, spec } = podOf(attributes);
      if (!spec.nodeName) return;
      const copied = topologyLabels(reader, spec.nodeName);
      if (Object.keys(copied).length > 0) metadata.labels = { ...metadata.labels, ...copied };
    },
  };
}
