import type * as core from "#api/core-v1/types.ts";
import type { FieldPath } from "#apimachinery/field-error.ts";

import { eachContainer } from "./visit.ts";

interface KnownPort {
  readonly at: string;
  readonly port: core.ContainerPort;
}

/** Ports of a pod's containers that get in each other's way. */
export function portWarnings(spec: core.PodSpec, path: FieldPath): string[] {
  const warnings: string[] = [];
  const byNumber = new Map<string, KnownPort[]>();
  eachContainer(spec, path, ({ ports = [] }, containerPath) => {
    for (const [i, port] of ports.entries()) {
      const at = containerPath().child("ports").index(i).text;
      if (port.hostIP && !port.hostPort) warnings.push(`${at}: hostIP set without hostPort: ${goText(port)}`);
      const key = `${port.containerPort}/${port.protocol}`;
      const others = byNumber.get(key) ?? [];
      for (const other of others) {
        const conflict = conflictOf(port, other.port);
        if (conflict !== undefined) warnings.push(`${at}: ${conflict} port definition with ${other.at}`);
      }
      byNumber.set(key, [...others, { at, port }]);
    }
  });
  const byName = new Map<string, string>();
  eachContainer(spec, path, ({ ports = [] }, containerPath) => {
    for (const [i, { name }] of ports.entries()) {
      if (!name) continue;
      const at = containerPath().child("ports").index(i).text;
      const other = byName.get(name);
      if (other === undefined) byName.set(name, at);
      else {
        const detail = `services and probes that select ports by name will use ${other}`;
        warnings.push(`${at}: duplicate port name ${JSON.stringify(name)} with ${other}, ${detail}`);
      }
    }
  });
  return warnings;
}

function conflictOf(a: core.ContainerPort, b: core.ContainerPort): string | undefined {
  const { hostIP: ip = "", hostPort: port = 0 } = a;
  const { hostIP: otherIP = "", hostPort: otherPort = 0 } = b;
  if (ip === otherIP && port === otherPort) return "duplicate";
  if (port === 0 || otherPort === 0) return "overlapping";
  return port === otherPort && (ip === "") !== (otherIP === "") ? "dangerously ambiguous" : undefined;
}

/** As Go's %+v prints the struct. */
function goText({ name = "", hostPort = 0, containerPort, protocol = "", hostIP = "" }: core.ContainerPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
}
