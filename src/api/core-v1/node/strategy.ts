import type { Node } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { FieldPath } from "#apimachinery/field-error.ts";
import { cidrWarnings } from "#apimachinery/validation/cidr.ts";

import { roundResourceList } from "../pod-spec/resource-list.ts";
import { validateNode, validateNodeChange, validateNodeUpdate } from "./validate.ts";

/** @see kubernetes pkg/registry/core/node/strategy.go */
export const nodeStrategy: Strategy<Node> = {
  applyDefaults,
  keepsStatusOnCreate: true,
  prepareForCreate({ spec, status }) {
    delete spec.configSource;
    delete status.config;
    delete status.declaredFeatures;
  },
  prepareForUpdate({ spec }, old) {
    if (old.spec.configSource === undefined) delete spec.configSource;
  },
  validateCreate: validateNode,
  validateUpdate: validateNodeUpdate,
  canonicalize({ status }) {
    // Upstream's storage does not tell an empty list from none, which is written as null.
    for (const image of status.images ?? []) if (image.names?.length === 0) (image as { names: unknown }).names = null;
  },
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
  selectableFields: ({ spec }) => ({ "spec.unschedulable": String(spec.unschedulable ?? false) }),
  selectableFieldNames: ["spec.unschedulable"],
  subresources: {
    status: {
      prepareForUpdate({ status }, old) {
        if (old.status.config === undefined) delete status.config;
      },
      validateUpdate: validateNodeChange,
    },
  },
};

function applyDefaults({ spec, status }: Mutable<Node>): void {
  if (spec) alignPodCidrs(spec);
  if (!status) return;
  roundResourceList(status.capacity);
  roundResourceList(status.allocatable);
  if (status.capacity !== undefined) status.allocatable ??= { ...status.capacity };
}

/** The older field says the first of the newer one; when they differ, the older one counts. */
function alignPodCidrs(spec: Mutable<Node["spec"]>): void {
  const { podCIDR = "", podCIDRs = [] } = spec;
  if (podCIDR !== "" && podCIDR !== podCIDRs[0]) spec.podCIDRs = [podCIDR];
  else if (podCIDR === "" && podCIDRs[0]) spec.podCIDR = podCIDRs[0];
}

function warnings({ spec }: Node): string[] {
  const path = new FieldPath("spec.podCIDRs");
  return [
    ...(spec.configSource ? ["spec.configSource: the feature is removed"] : []),
    ...(spec.externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : []),
    ...(spec.podCIDRs ?? []).flatMap((cidr, i) => cidrWarnings(cidr, path.index(i))),
  ];
}
