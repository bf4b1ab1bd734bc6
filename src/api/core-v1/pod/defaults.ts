import { setOwn } from "#apimachinery/decode/own.ts";
import type * as core from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { applyPodSpecDefaults, dropInitContainerAnnotations } from "../pod-spec/defaults.ts";
import { roundResourceList } from "../pod-spec/resource-list.ts";
import { defaultPodLevelResources } from "./pod-level-defaults.ts";

/**
 * The defaults of a pod: its spec's, and those that templates do not get.
 *
 * @see kubernetes pkg/apis/core/v1/defaults.go
 */
export function applyPodDefaults(pod: Mutable<core.Pod>): void {
  const spec = pod.spec;
  dropInitContainerAnnotations(pod.metadata);
  if (pod.status) applyStatusDefaults(pod.status);
  if (!spec) return;
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  for (const container of spec.containers ?? []) requestLimits(container);
  for (const container of spec.initContainers ?? []) requestLimits(container);
  defaultPodLevelResources(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork) {
    for (const container of spec.containers ?? []) defaultHostPorts(container);
    for (const container of spec.initContainers ?? []) defaultHostPorts(container);
  }
  applyPodSpecDefaults(spec);
}

/** A limit without a request is a request too. */
function requestLimits({ resources }: Mutable<core.Container>): void {
  if (!resources?.limits) return;
  const requests = (resources.requests ??= {});
  for (const name in resources.limits) if (!Object.hasOwn(requests, name)) setOwn(requests, name, resources.limits[name]!);
}

function defaultHostPorts({ ports }: Mutable<core.Container>): void {
  for (const port of ports ?? []) port.hostPort ||= port.containerPort;
}

function applyStatusDefaults(status: Mutable<core.PodStatus>): void {
  const { podIP, podIPs } = status;
  if (podIP && podIPs?.[0]?.ip !== podIP) status.podIPs = [{ ip: podIP }];
  else if (podIPs?.[0]) status.podIP = podIPs[0].ip;
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
