import type { Node } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

import { roundResourceList } from "../pod-spec/resource-list.ts";

/** @see kubernetes pkg/registry/core/node/strategy.go */
export const nodeStrategy: Strategy<Node> = {
  applyDefaults,
  keepsStatusOnCreate: true,
  selectableFields: ({ spec }) => ({ "spec.unschedulable": String(spec.unschedulable ?? false) }),
  selectableFieldNames: ["spec.unschedulable"],
};

function applyDefaults({ status }: Mutable<Node>): void {
  if (!status) return;
  roundResourceList(status.capacity);
  roundResourceList(status.allocatable);
  if (status.capacity !== undefined) status.allocatable ??= { ...status.capacity };
}
