import type { Service, ServicePort } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { PortOperation } from "#apiserver/allocators/node-ports.ts";

type Target = Mutable<Service>;

/** Takes the node ports that a write adds. */
export function takeNodePorts(service: Target, old: Service | undefined, operation: PortOperation): void {
  if (service.spec?.type === "NodePort" || service.spec?.type === "LoadBalancer") {
    if (old === undefined) takeForNew(service, operation);
    else takeForUpdate(service, old, operation);
  }
  const needed = old !== undefined && needsHealthCheck(old);
  if (needsHealthCheck(service) && !needed) takeHealthCheckPort(service, operation);
}

/** Ports of one number, as DNS has over TCP and UDP, share their node port. */
function takeForNew(service: Target, operation: PortOperation): void {
  const ports = service.spec!.ports ?? [];
  const byPort = new Map<number, number>();
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort && !allocates(service)) continue;
    const shared = byPort.get(port.port);
    if (shared === undefined) {
      const asked = ports.find((other) => other.port === port.port && other.nodePort)?.nodePort;
      if (asked !== undefined) take(service, index, asked, operation);
      port.nodePort = asked ?? takeAny(operation);
      byPort.set(port.port, port.nodePort);
    } else if (port.nodePort === undefined || port.nodePort === 0) {
      port.nodePort = shared;
    } else if (port.nodePort !== shared) {
      take(service, index, port.nodePort, operation);
    }
  }
}

function takeForUpdate(service: Target, old: Service, operation: PortOperation): void {
  const held = new Set((old.spec?.ports ?? []).map(({ nodePort }) => nodePort).filter(Boolean));
  const told = new Set<string>();
  for (const [index, port] of (service.spec!.ports ?? []).entries()) {
    if (!port.nodePort && !allocates(service)) continue;
    if (!port.nodePort) port.nodePort = takeAny(operation);
    else if (!held.has(port.nodePort)) take(service, index, port.nodePort, operation);
    held.add(port.nodePort);
    const key = `${port.protocol} ${port.nodePort}`;
    if (told.has(key)) throw statusError.internal(`duplicate nodePort: {${key}}`);
    told.add(key);
  }
}

function takeHealthCheckPort({ spec }: Target, operation: PortOperation): void {
  const asked = spec!.healthCheckNodePort;
  const why = asked ? operation.take(asked) : undefined;
  if (why !== undefined) throw statusError.internal(`failed to allocate requested HealthCheck NodePort ${asked}: ${why}`);
  if (!asked) spec!.healthCheckNodePort = takeAny(operation);
}

function take(service: Target, index: number, port: number, operation: PortOperation): void {
  const why = operation.take(port);
  if (why === undefined) return;
  const path = new FieldPath("spec.ports").index(index).child("nodePort");
  throw statusError.invalid({ group: "", kind: "Service" }, service.metadata.name, [fieldError.invalid(path, port, why)]);
}

function takeAny(operation: PortOperation): number {
  const port = operation.takeAny();
  if (port === undefined) throw statusError.internal("failed to allocate a nodePort: range is full");
  return port;
}

const allocates = ({ spec }: Target) => spec?.type === "NodePort" || (spec?.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);

const needsHealthCheck = ({ spec }: Service | Target) => spec?.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";

/** A client that leaves out node ports keeps those it had, by the names of the ports. */
export function carryOverNodePorts(ports: Mutable<ServicePort>[], old: readonly ServicePort[]): void {
  const used = new Set(old.map(({ nodePort }) => nodePort).filter((port) => port && ports.some(({ nodePort }) => nodePort === port)));
  const byName = new Map(old.map(({ name = "", nodePort }) => [name, nodePort]));
  for (const port of ports) {
    const before = byName.get(port.name ?? "");
    if (!port.nodePort && before && !used.has(before)) port.nodePort = before;
  }
}
