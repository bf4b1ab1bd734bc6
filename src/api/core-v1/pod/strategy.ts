import type { Pod } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

import { dropDisabledFields } from "../pod-spec/drop-disabled.ts";
import { applyPodDefaults } from "./defaults.ts";
import { ephemeralContainersStrategy } from "./ephemeral-containers.ts";
import { prepareForCreate } from "./prepare.ts";
import { resizeStrategy } from "./resize.ts";
import { podStatusStrategy } from "./status-strategy.ts";
import { validatePodCreate } from "./validate.ts";
import { validatePodUpdate } from "./validate-update.ts";
import { podWarnings } from "./warnings.ts";

/** @see kubernetes pkg/registry/core/pod/strategy.go */
export const podStrategy: Strategy<Pod> = {
  applyDefaults: applyPodDefaults,
  prepareForCreate,
  prepareForUpdate,
  validateCreate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  warningsOnCreate: podWarnings,
  hasGeneration: true,
  gracePeriodSeconds,
  selectableFields,
  selectableFieldNames: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  subresources: { status: podStatusStrategy, ephemeralcontainers: ephemeralContainersStrategy, resize: resizeStrategy },
};

function prepareForUpdate(pod: Mutable<Pod>, old: Pod): void {
  pod.status = old.status as Mutable<Pod>["status"];
  dropDisabledFields(pod.spec, old.spec);
}

/** A pod that runs nowhere, or no longer, needs no time to end. */
function gracePeriodSeconds({ spec, status }: Pod, asked: number | undefined): number {
  if (!spec.nodeName || status.phase === "Failed" || status.phase === "Succeeded") return 0;
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

function selectableFields({ spec, status }: Pod): Readonly<Record<string, string>> {
  return {
    "spec.nodeName": spec.nodeName ?? "",
    "spec.restartPolicy": spec.restartPolicy ?? "",
    "spec.schedulerName": spec.schedulerName ?? "",
    "spec.serviceAccountName": spec.serviceAccountName ?? "",
    "spec.hostNetwork": String(spec.hostNetwork ?? false),
    "status.phase": status.phase ?? "",
    "status.podIP": status.podIPs?.[0]?.ip ?? "",
    "status.nominatedNodeName": status.nominatedNodeName ?? "",
  };
}
