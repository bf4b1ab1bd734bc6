import type { ServicePort, ServiceSpec } from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isPortName, isPortNumber } from "#apimachinery/validation/names.ts";

import { checkAllowed, checkDnsLabel, checkQualifiedName, type Errors, pushInvalid } from "../pod-spec/checks.ts";

export const PROTOCOLS = ["SCTP", "TCP", "UDP"];

/** Each port for itself, and their names. */
export function validatePorts(errors: Errors, ports: readonly ServicePort[], path: FieldPath): void {
  const names = new Set<string>();
  for (const [i, { name = "", port = 0, protocol = "", targetPort = 0, appProtocol }] of ports.entries()) {
    const at = path.index(i);
    if (name === "") {
      if (ports.length > 1) errors.push(fieldError.required(at.child("name")));
    } else {
      checkDnsLabel(errors, name, at.child("name"));
      if (names.has(name)) errors.push(fieldError.duplicate(at.child("name"), name));
      names.add(name);
    }
    pushInvalid(errors, at.child("port"), port, isPortNumber(port));
    if (protocol === "") errors.push(fieldError.required(at.child("protocol")));
    else checkAllowed(errors, protocol, PROTOCOLS, at.child("protocol"));
    checkPortNumberOrName(errors, targetPort, at.child("targetPort"));
    if (appProtocol !== undefined) checkQualifiedName(errors, appProtocol, at.child("appProtocol"));
  }
}

function checkPortNumberOrName(errors: Errors, port: number | string, path: FieldPath): void {
  pushInvalid(errors, path, port, typeof port === "number" ? isPortNumber(port) : isPortName(port));
}

/** Node ports, and that no two ports are the same. */
export function validateNodePorts(errors: Errors, { type, ports = [] }: ServiceSpec, path: FieldPath): void {
  if (type === "ClusterIP") {
    for (const [i, { nodePort }] of ports.entries()) {
      if (nodePort) errors.push(fieldError.forbidden(path.index(i).child("nodePort"), "may not be used when `type` is 'ClusterIP'"));
    }
  }
  const nodePorts = new Set<string>();
  for (const [i, { nodePort, protocol }] of ports.entries()) {
    if (!nodePort) continue;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.push(fieldError.duplicate(path.index(i).child("nodePort"), nodePort));
    nodePorts.add(key);
  }
  const numbers = new Set<string>();
  for (const [i, { port = 0, protocol = "" }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    const told = { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    if (numbers.has(key)) errors.push(fieldError.duplicate(path.index(i), told));
    numbers.add(key);
  }
}
