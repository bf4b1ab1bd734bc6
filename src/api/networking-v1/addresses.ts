import { checkDnsSubdomain, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { IPAddress, ParentReference, ServiceCIDR, ServiceCIDRSpec } from "#api/networking-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath, goQuoted } from "#apimachinery/field-error.ts";
import { parseCidr, validateCidr } from "#apimachinery/validation/cidr.ts";
import { validateIP } from "#apimachinery/validation/ip.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";
import { FIELD_IMMUTABLE } from "#apimachinery/validation/object-meta.ts";

const PARENT = new FieldPath("spec.parentRef");
const CIDRS = new FieldPath("spec.cidrs");

/** An object whose name is the address that it stands for. */
export const ipAddressStrategy: Strategy<IPAddress> = {
  validateName: (name) => validateIP(name, PARENT).map(({ text }) => text.slice(`Invalid value: ${goQuoted(name)}: `.length)),
  validateCreate({ spec }) {
    const errors: Errors = [];
    if (spec.parentRef) validateParent(errors, spec.parentRef);
    else errors.push(fieldError.required(PARENT));
    return errors;
  },
  validateUpdate({ spec }, old) {
    const errors: Errors = [];
    checkImmutable(errors, spec.parentRef, old.spec.parentRef, PARENT, asGo(spec.parentRef));
    return errors;
  },
};

const asGo = ({ group = "", resource = "", namespace = "", name = "" }: Partial<ParentReference> = {}) => ({
  Group: group,
  Resource: resource,
  Namespace: namespace,
  Name: name,
});

function validateParent(errors: Errors, { group = "", resource = "", name = "", namespace = "" }: ParentReference): void {
  if (group !== "") checkDnsSubdomain(errors, group, PARENT.child("group"));
  for (const [field, value] of Object.entries({ resource, name })) {
    if (value === "") errors.push(fieldError.required(PARENT.child(field)));
    else pushInvalid(errors, PARENT.child(field), value, nameIsPathSegment(value));
  }
  if (namespace !== "") pushInvalid(errors, PARENT.child("namespace"), namespace, nameIsPathSegment(namespace));
}

/** The networks that services get their addresses from. */
export const serviceCIDRStrategy: Strategy<ServiceCIDR> = {
  validateCreate: ({ spec }) => validateCidrs(spec),
  validateUpdate({ spec }, old): FieldError[] {
    const [now, before] = [spec.cidrs ?? [], old.spec.cidrs ?? []];
    const kept = now.length === before.length || (before.length === 1 && now.length === 2);
    if (!kept) return [fieldError.invalid(CIDRS, spec.cidrs, FIELD_IMMUTABLE)];
    const errors = before.flatMap((cidr, i) => (cidr === now[i] ? [] : [fieldError.invalid(CIDRS.index(i), now[i], FIELD_IMMUTABLE)]));
    return now.length > before.length ? [...errors, ...validateCidrs(spec)] : errors;
  },
};

function validateCidrs({ cidrs = [] }: ServiceCIDRSpec): FieldError[] {
  if (cidrs.length === 0) return [fieldError.required(CIDRS, "at least one CIDR required")];
  if (cidrs.length > 2) return [fieldError.invalid(CIDRS, { CIDRs: cidrs }, "may only hold up to 2 values")];
  const errors = cidrs.flatMap((cidr, i) => validateCidr(cidr, CIDRS.index(i)));
  const [first, second] = cidrs.map(parseCidr);
  if (first !== undefined && second !== undefined && first.isIPv6 === second.isIPv6) {
    errors.push(fieldError.invalid(CIDRS, cidrs, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"));
  }
  return errors;
}
