import type { Pod } from "#api/core-v1/types.ts";

/** Index of pods by the node they are bound to. */
export const BY_NODE = { node: ({ spec }: Pod) => (spec.nodeName ? [spec.nodeName] : []) };
