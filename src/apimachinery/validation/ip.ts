import { isIPv4, isIPv6 } from "node:net";

import { type FieldError, fieldError, type FieldPath } from "#apimachinery/field-error.ts";

const LEADING_ZEROS = /(^|\.)0+(?=\d)/g;

/**
 * An address in the form that Go prints it in, with the leniency of older fields: leading zeros are decimal.
 *
 * @returns `undefined` when it is no address
 */
export function canonicalIP(value: string): string | undefined {
  if (!value.includes(":")) {
    const plain = value.replace(LEADING_ZEROS, "$1");
    return isIPv4(plain) ? plain : undefined;
  }
  if (value.includes("%")) return undefined;
  const lenient = value.includes(".")
    ? value.slice(0, value.lastIndexOf(":") + 1) + value.slice(value.lastIndexOf(":") + 1).replace(LEADING_ZEROS, "$1")
    : value;
  if (!isIPv6(lenient)) return undefined;
  const groups = groupsOf(lenient);
  return isMapped(groups) ? ipv4Text(groups) : ipv6Text(groups);
}

/** Whether it is an address at all, in a field that has always been lenient. `old` values may stay. */
export function validateIPForLegacyField(value: string, path: FieldPath, old: readonly string[] = []): FieldError[] {
  if (old.includes(value) || canonicalIP(value) !== undefined) return [];
  return [fieldError.invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
}

/** Whether it is an address in its one form. */
export function validateIP(value: string, path: FieldPath): FieldError[] {
  const canonical = canonicalIP(value);
  if (canonical === undefined) return validateIPForLegacyField(value, path);
  if (!value.includes(":")) return canonical === value ? [] : [fieldError.invalid(path, value, "must not have leading 0s")];
  if (!canonical.includes(":")) return [fieldError.invalid(path, value, "must not be an IPv4-mapped IPv6 address")];
  return canonical === value ? [] : [fieldError.invalid(path, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** What to say of an address that a later release will not take, or that is not in its one form. */
export function ipWarnings(value: string, path: FieldPath): string[] {
  const canonical = canonicalIP(value);
  if (canonical === undefined || canonical === value) return [];
  if (canonical.includes(":") && isIPv6(value)) {
    return [`${path.text}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`];
  }
  return [
    `${path.text}: non-standard IP address ${JSON.stringify(value)} will be considered invalid in a future Kubernetes release: use ${JSON.stringify(canonical)}`,
  ];
}

/** The eight numbers of an IPv6 address. */
function groupsOf(value: string): number[] {
  const lastColon = value.lastIndexOf(":");
  const tail = value.slice(lastColon + 1);
  const text = tail.includes(".") ? value.slice(0, lastColon + 1) + hexOfIPv4(tail) : value;
  const [head = "", rest] = text.split("::");
  const parse = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const first = parse(head);
  if (rest === undefined) return first;
  const last = parse(rest);
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

function hexOfIPv4(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

const isMapped = (groups: readonly number[]) => groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;

function ipv4Text(groups: readonly number[]): string {
  return [groups[6]!, groups[7]!].flatMap((group) => [group >> 8, group & 0xff]).join(".");
}

/** RFC 5952: small letters, and the longest run of two or more zero groups left out. */
function ipv6Text(groups: readonly number[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (start + length < groups.length && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}
