import type { EndpointAddress, EndpointPort, EndpointSubset } from "#api/core-v1/types.ts";
import { type FieldError, fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { validateIPForLegacyField } from "#apimachinery/validation/ip.ts";
import { isPortNumber } from "#apimachinery/validation/names.ts";

import { checkAllowed, checkDnsLabel, checkDnsSubdomain, checkQualifiedName, type Errors, pushInvalid } from "../pod-spec/checks.ts";
import { PROTOCOLS } from "../service/validate-ports.ts";
import { checkEndpointIP } from "./endpoint-ip.ts";

export function validateSubsets(subsets: readonly EndpointSubset[], path: FieldPath): FieldError[] {
  const errors: Errors = [];
  for (const [i, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const at = path.index(i);
    if (addresses.length + notReadyAddresses.length === 0) errors.push(fieldError.required(at, "must specify `addresses` or `notReadyAddresses`"));
    for (const [j, address] of addresses.entries()) validateAddress(errors, address, at.child("addresses").index(j));
    for (const [j, address] of notReadyAddresses.entries()) validateAddress(errors, address, at.child("notReadyAddresses").index(j));
    for (const [j, port] of ports.entries()) validatePort(errors, port, ports.length > 1, at.child("ports").index(j));
  }
  return errors;
}

function validateAddress(errors: Errors, { ip = "", hostname = "", nodeName }: EndpointAddress, path: FieldPath): void {
  errors.push(...validateIPForLegacyField(ip, path.child("ip")));
  if (hostname !== "") checkDnsLabel(errors, hostname, path.child("hostname"));
  if (nodeName !== undefined) checkDnsSubdomain(errors, nodeName, path.child("nodeName"));
  checkEndpointIP(errors, ip, path.child("ip"));
}

function validatePort(errors: Errors, { name = "", port = 0, protocol = "", appProtocol }: EndpointPort, needsName: boolean, path: FieldPath): void {
  if (name !== "") checkDnsLabel(errors, name, path.child("name"));
  else if (needsName) errors.push(fieldError.required(path.child("name")));
  pushInvalid(errors, path.child("port"), port, isPortNumber(port));
  if (protocol === "") errors.push(fieldError.required(path.child("protocol")));
  else checkAllowed(errors, protocol, PROTOCOLS, path.child("protocol"));
  if (appProtocol !== undefined) checkQualifiedName(errors, appProtocol, path.child("appProtocol"));
}
