import { checkEndpointIP } from "#api/core-v1/endpoints/endpoint-ip.ts";
import { checkAllowed, checkDnsLabel, checkDnsSubdomain, checkQualifiedName, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { PROTOCOLS } from "#api/core-v1/service/validate-ports.ts";
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from "#api/discovery-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { canonicalIP, validateIP, validateIPForLegacyField } from "#apimachinery/validation/ip.ts";
import { isDns1123Label, isDns1123Subdomain, isLabelValue } from "#apimachinery/validation/names.ts";
import { validateLabels } from "#apimachinery/validation/object-meta.ts";
import { sameJson } from "#lib/same-json.ts";

const MAX_TOPOLOGY_LABELS = 16;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20_000;
const MAX_ENDPOINTS = 1000;
const MAX_HINTS = 8;

/** @see kubernetes pkg/apis/discovery/validation/validation.go */
export function validateEndpointSlice({ addressType, ports, endpoints }: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const errors: Errors = [];
  if (!addressType) errors.push(fieldError.required(new FieldPath("addressType")));
  else checkAllowed(errors, addressType, ["FQDN", "IPv4", "IPv6"], new FieldPath("addressType"));
  validatePorts(errors, ports ?? [], new FieldPath("ports"));
  const found = validateEndpoints(endpoints ?? [], addressType, new FieldPath("endpoints"));
  // What was valid once may stay as it is.
  if (found.length > 0 && old !== undefined && sameJson(endpoints, old.endpoints)) return errors;
  return [...errors, ...found];
}

function validatePorts(errors: Errors, ports: readonly EndpointPort[], path: FieldPath): void {
  if (ports.length > MAX_PORTS) {
    errors.push(fieldError.tooMany(path, ports.length, MAX_PORTS));
    return;
  }
  const names = new Set<string>();
  for (const [i, { name = "", protocol, appProtocol }] of ports.entries()) {
    const at = path.index(i);
    if (name !== "") checkDnsLabel(errors, name, at.child("name"));
    if (names.has(name)) errors.push(fieldError.duplicate(at.child("name"), name));
    names.add(name);
    if (protocol === undefined) errors.push(fieldError.required(at.child("protocol")));
    else checkAllowed(errors, protocol, PROTOCOLS, at.child("protocol"));
    if (appProtocol !== undefined) checkQualifiedName(errors, appProtocol, at.child("appProtocol"));
  }
}

function validateEndpoints(endpoints: readonly Endpoint[], type: string, path: FieldPath): Errors {
  if (endpoints.length > MAX_ENDPOINTS) return [fieldError.tooMany(path, endpoints.length, MAX_ENDPOINTS)];
  const errors: Errors = [];
  for (const [i, endpoint] of endpoints.entries()) validateEndpoint(errors, endpoint, type, path.index(i));
  return errors;
}

function validateEndpoint(errors: Errors, endpoint: Endpoint, type: string, path: FieldPath): void {
  const addresses = endpoint.addresses ?? [];
  const at = path.child("addresses");
  if (addresses.length === 0) errors.push(fieldError.required(at, "must contain at least 1 address"));
  else if (addresses.length > MAX_ADDRESSES) errors.push(fieldError.tooMany(at, addresses.length, MAX_ADDRESSES));
  for (const [i, address] of addresses.entries()) validateAddress(errors, address, type, at, i);
  const { nodeName, deprecatedTopology, hostname, hints } = endpoint;
  if (nodeName !== undefined) checkDnsSubdomain(errors, nodeName, path.child("nodeName"));
  if (deprecatedTopology) {
    const topology = path.child("deprecatedTopology");
    const count = Object.keys(deprecatedTopology).length;
    if (count > MAX_TOPOLOGY_LABELS) errors.push(fieldError.tooMany(topology, count, MAX_TOPOLOGY_LABELS));
    errors.push(...validateLabels(deprecatedTopology, topology));
  }
  if (hostname !== undefined) checkDnsLabel(errors, hostname, path.child("hostname"));
  if (hints) validateHints(errors, hints, path.child("hints"));
}

function validateAddress(errors: Errors, address: string, type: string, path: FieldPath, i: number): void {
  const at = path.index(i);
  if (type === "FQDN") return checkDomainName(errors, address, at);
  if (type !== "IPv4" && type !== "IPv6") return;
  const malformed = type === "IPv4" ? validateIPForLegacyField(address, at) : validateIP(address, at);
  if (malformed.length > 0) return void errors.push(...malformed);
  const isIPv6 = canonicalIP(address)?.includes(":") === true;
  if (isIPv6 !== (type === "IPv6")) errors.push(fieldError.invalid(path, address, `must be an ${type} address`));
  checkEndpointIP(errors, address, at);
}

function checkDomainName(errors: Errors, name: string, path: FieldPath): void {
  if (name === "") return void errors.push(fieldError.required(path));
  const domain = name.replace(/\.$/, "");
  const messages = isDns1123Subdomain(domain);
  if (messages.length > 0) return void errors.push(fieldError.invalid(path, domain, messages.join(",")));
  const labels = domain.split(".");
  if (labels.length < 2) return void errors.push(fieldError.invalid(path, domain, "should be a domain with at least two segments separated by dots"));
  for (const label of labels) {
    const wrong = isDns1123Label(label);
    if (wrong.length > 0) return void errors.push(fieldError.invalid(path, label, wrong.join(",")));
  }
}

function validateHints(errors: Errors, { forZones = [], forNodes = [] }: EndpointHints, path: FieldPath): void {
  if (checkNames(errors, forZones, path.child("forZones"), isLabelValue)) checkNames(errors, forNodes, path.child("forNodes"), isDns1123Subdomain);
}

/** @returns `false` when there are so many that no more is said */
function checkNames(errors: Errors, list: readonly { readonly name: string }[], path: FieldPath, isValid: (name: string) => string[]): boolean {
  if (list.length > MAX_HINTS) {
    errors.push(fieldError.tooMany(path, list.length, MAX_HINTS));
    return false;
  }
  const names = new Set<string>();
  for (const [i, { name = "" }] of list.entries()) {
    const at = path.index(i).child("name");
    if (names.has(name)) errors.push(fieldError.duplicate(at, name));
    names.add(name);
    pushInvalid(errors, at, name, isValid(name));
  }
  return true;
}
