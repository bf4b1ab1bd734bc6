import { isIPv6 } from "node:net";

import { type FieldError, fieldError, type FieldPath } from "#apimachinery/field-error.ts";

import { canonicalIP } from "./ip.ts";

/** A network in CIDR notation, read with the leniency of older fields. */
export interface Cidr {
  /** The address before the slash, in its one form. */
  readonly address: string;
  /** The network in its one form: `10.0.0.0/8`. */
  readonly network: string;
  readonly prefixLength: number;
  readonly isIPv6: boolean;
  /** Whether the address has bits beyond the prefix. */
  readonly hasHostBits: boolean;
  /** Written with leading zeros, or as an IPv4 address inside of IPv6. */
  readonly isNonStandard: boolean;
  /** Bits of an address, 32 or 128, as it was written. */
  readonly addressBits: number;
}

/** @returns `undefined` when it is no CIDR */
export function parseCidr(value: string): Cidr | undefined {
  const slash = value.indexOf("/");
  const address = value.slice(0, Math.max(slash, 0));
  const length = value.slice(slash + 1);
  const canonical = canonicalIP(address);
  if (slash < 0 || canonical === undefined || !/^\d+$/.test(length)) return undefined;
  const bytes = bytesOf(address, canonical);
  const bits = bytes.length * 8;
  const prefix = Number(length);
  if (prefix > bits) return undefined;
  const masked = bytes.map((byte, i) => byte & maskByte(prefix - 8 * i));
  const isMapped = address.includes(":") && !canonical.includes(":");
  return {
    address: canonical,
    network: networkText(masked, prefix),
    prefixLength: prefix,
    isIPv6: !isMapped && bits === 128,
    hasHostBits: masked.some((byte, i) => byte !== bytes[i]),
    isNonStandard: isMapped || (bits === 32 ? canonical !== address : !isIPv6(address)) || String(prefix) !== length,
    addressBits: bits,
  };
}

/** Whether every address of `inner` is one of `outer`, which has more. */
export function isStrictSubnet(inner: Cidr, outer: Cidr): boolean {
  const [start] = inner.network.split("/");
  return outer.prefixLength < inner.prefixLength && parseCidr(`${start}/${outer.prefixLength}`)?.network === outer.network;
}

/** Whether it is a CIDR at all, in a field that has always been lenient. `old` values may stay. */
export function validateCidrForLegacyField(value: string, path: FieldPath, old: readonly string[] = []): FieldError[] {
  if (old.includes(value) || parseCidr(value) !== undefined) return [];
  return [fieldError.invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
}

/** Whether it is a network in its one form. */
export function validateCidr(value: string, path: FieldPath): FieldError[] {
  const cidr = parseCidr(value);
  if (cidr === undefined) return validateCidrForLegacyField(value, path);
  const { address, network, hasHostBits, isNonStandard } = cidr;
  if (isNonStandard && value.includes(":") && !address.includes(":")) return [fieldError.invalid(path, value, "must not have an IPv4-mapped IPv6 address")];
  if (isNonStandard) return [fieldError.invalid(path, value, "must not have leading 0s in IP or prefix length")];
  if (hasHostBits) return [fieldError.invalid(path, value, "must not have bits set beyond the prefix length")];
  return network === value ? [] : [fieldError.invalid(path, value, `must be in canonical form (${JSON.stringify(network)})`)];
}

/** What to say of a CIDR that a later release will not take, or that is not in its one form. */
export function cidrWarnings(value: string, path: FieldPath): string[] {
  const cidr = parseCidr(value);
  if (cidr === undefined) return [];
  const { address, network, hasHostBits, isNonStandard, addressBits } = cidr;
  const warnings: string[] = [];
  const [quoted, better] = [JSON.stringify(value), JSON.stringify(network)];
  if (hasHostBits) {
    warnings.push(`${path.text}: CIDR value ${quoted} is ambiguous in this context (should be ${better} or ${JSON.stringify(`${address}/${addressBits}`)}?)`);
  }
  if (isNonStandard) warnings.push(`${path.text}: non-standard CIDR value ${quoted} will be considered invalid in a future Kubernetes release: use ${better}`);
  if (warnings.length === 0 && cidr.isIPv6 && network !== value) {
    warnings.push(`${path.text}: IPv6 CIDR value ${quoted} should be in RFC 5952 canonical format (${better})`);
  }
  return warnings;
}

const maskByte = (bits: number) => (bits >= 8 ? 0xff : bits <= 0 ? 0 : 0xff & (0xff << (8 - bits)));
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

function bytesOf(address: string, canonical: string): number[] {
  if (!canonical.includes(":")) {
    const bytes = canonical.split(".").map(Number);
    return address.includes(":") ? [...MAPPED, ...bytes] : bytes;
  }
  const [head = "", tail] = canonical.split("::");
  const groups = (part: string | undefined) => (part ? part.split(":").map((group) => Number.parseInt(group, 16)) : []);
  const [first, last] = [groups(head), groups(tail)];
  const all = tail === undefined ? first : [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

function networkText(bytes: readonly number[], prefix: number): string {
  if (bytes.length === 4) return `${bytes.join(".")}/${prefix}`;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  const text = canonicalIP(groups.join(":"))!;
  return `${text}/${text.includes(":") ? prefix : Math.max(prefix - 96, 0)}`;
}
