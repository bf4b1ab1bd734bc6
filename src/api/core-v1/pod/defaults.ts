import type * as core from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { applyPodSpecDefaults } from "../pod-spec/defaults.ts";
import { roundResourceList } from "../pod-spec/resource-list.ts";
import { defaultPodLevelResources } from "./pod-level-defaults.ts";

/**
 * The defaults of a pod: its spec's, and those that templates do not get.
 *
 * @see kubernetes pkg/apis/core/v1/defaults.go
 */
export function applyPodDefaults(pod: Mutable<core.Pod>): void {
  const spec = pod.spec;
  if (!spec) return;
  for (const container of spec.containers ?? []) requestLimits(container);
  for (const container of spec.initContainers ?? []) requestLimits(container);
  defaultPodLevelResources(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork) {
    for (const container of spec.containers ?? []) defaultHostPorts(container);
    for (const container of spec.initContainers ?? []) defaultHostPorts(container);
  }
  applyPodSpecDefaults(spec);
  if (pod.status) roundStatusResources(pod.status);
}

/** A limit without a request is a request too. */
function requestLimits({ resources }: Mutable<core.Container>): void {
  if (!resources?.limits) return;
  const requests = (resources.requests ??= {});
  for (const name in resources.limits) requests[name] ??= resources.limits[name]!;
}

function defaultHostPorts({ ports }: Mutable<core.Container>): void {
  for (const port of ports ?? []) port.hostPort ||= port.containerPort;
}

function roundStatusResources(status: Mutable<core.PodStatus>): void {
  for (const containers of [status.initContainerStatuses, status.containerStatuses, status.ephemeralContainerStatuses]) {
    for (const container of containers ?? []) {
      roundResourceList(container.allocatedResources);
      roundResourceList(container.resources?.limits);
      roundResourceList(container.resources?.requests);
    }
  }
  roundResourceList(status.allocatedResources);
  roundResourceList(status.resources?.limits);
  roundResourceList(status.resources?.requests);
}
