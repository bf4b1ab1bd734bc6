import type { Service } from "#api/core-v1/types.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import type { Availability } from "#api/apiregistration-v1/conditions.ts";
import type { RemoteService } from "#apiserver/aggregation/api-services.ts";
import { portOf } from "#apiserver/aggregation/remote-dialer.ts";

/** All that is looked at before the extension server itself is asked. */
export interface Observed {
  readonly remote: RemoteService;
  readonly service: Service | undefined;
  /** Those of that service. */
  readonly slices: readonly EndpointSlice[];
}

export const PASSED: Availability = { status: "True", reason: "Passed", message: "all checks passed" };

const no = (reason: string, message: string): Availability => ({ status: "False", reason, message });

export const failedDiscovery = (message: string): Availability => no("FailedDiscoveryCheck", message);

/**
 * Why nobody could answer behind an APIService; `undefined` when the extension server has to say so itself.
 *
 * @see kubernetes/kube-aggregator pkg/controllers/status/remote/remote_available_controller.go
 */
export function missingBehind({ remote, service, slices }: Observed): Availability | undefined {
  const { namespace = "", name = "" } = remote.spec.service;
  const shown = `service/${name} in ${JSON.stringify(namespace)}`;
  if (service === undefined) return no("ServiceNotFound", `${shown} is not present`);
  if ((service.spec?.type ?? "ClusterIP") !== "ClusterIP") return undefined;
  const port = (service.spec?.ports ?? []).find((each) => each.port === portOf(remote));
  if (port === undefined) return no("ServicePortError", `${shown} is not listening on port ${portOf(remote)}`);
  if (slices.length === 0) return no("EndpointsNotFound", `cannot find endpointslices for ${shown}`);
  const portName = port.name ?? "";
  if (slices.some((slice) => serves(slice, portName))) return undefined;
  return no("MissingEndpoints", `endpointslices for ${shown} have no addresses with port name ${JSON.stringify(portName)}`);
}

function serves({ endpoints, ports }: EndpointSlice, portName: string): boolean {
  const isReady = (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false);
  return isReady && (ports ?? []).some(({ name, port }) => name === portName && port !== undefined);
}
