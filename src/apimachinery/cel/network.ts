import { declare, type FunctionDeclaration, member, overload } from "#lib/cel/declarations.ts";
import { BOOL, type CelType, INT, opaqueType, STRING } from "#lib/cel/types.ts";
import { Failure, NO_SUCH_OVERLOAD, type OpaqueValue, type Value } from "#lib/cel/values.ts";
import { type Address, AddressError, addressText, isMapped, isSameAddress, parseAddress, sharesPrefix } from "./address.ts";
import { Held, method, ofText } from "./opaque.ts";

export const IP = opaqueType("net.IP");
export const CIDR = opaqueType("net.CIDR");

class IpValue extends Held<Address> {
  override readonly type = IP;

  override equals(other: OpaqueValue): boolean {
    return other instanceof IpValue && isSameAddress(this.held, other.held);
  }

  override get size(): number {
    return this.held.bytes.length;
  }

  override toString(): string {
    return addressText(this.held);
  }
}

interface Prefix {
  readonly address: Address;
  readonly bits: number;
}

class CidrValue extends Held<Prefix> {
  override readonly type = CIDR;

  override equals(other: OpaqueValue): boolean {
    return other instanceof CidrValue && this.held.bits === other.held.bits && isSameAddress(this.held.address, other.held.address);
  }

  override get size(): number {
    return Math.ceil(this.held.bits / 8);
  }

  override toString(): string {
    return `${addressText(this.held.address)}/${this.held.bits}`;
  }
}

export const NETWORK_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("ip", [
    overload("string_to_ip", [STRING], IP, ofText(toIp)),
    member(
      "cidr_ip",
      [CIDR],
      IP,
      method(CidrValue, ({ address }) => new IpValue(address)),
    ),
  ]),
  declare("isIP", [
    overload(
      "is_ip",
      [STRING],
      BOOL,
      ofText((text) => toIp(text) instanceof IpValue),
    ),
  ]),
  declare("ip.isCanonical", [overload("ip_is_canonical", [STRING], BOOL, ofText(isCanonical))]),
  declare("string", [
    overload(
      "ip_to_string",
      [IP],
      STRING,
      method(IpValue, (held) => addressText(held)),
    ),
    overload("cidr_to_string", [CIDR], STRING, (value) => (value instanceof CidrValue ? value.toString() : NO_SUCH_OVERLOAD)),
  ]),
  ofIp("family", "ip_family", INT, ({ bytes }) => (bytes.length === 4 ? 4n : 6n)),
  ofIp("isUnspecified", "ip_is_unspecified", BOOL, ({ bytes }) => isUnspecified(bytes)),
  ofIp("isLoopback", "ip_is_loopback", BOOL, ({ bytes }) => isLoopback(bytes)),
  ofIp("isLinkLocalMulticast", "ip_is_link_local_multicast", BOOL, ({ bytes }) => isLinkLocalMulticast(bytes)),
  ofIp("isLinkLocalUnicast", "ip_is_link_local_unicast", BOOL, ({ bytes }) => isLinkLocalUnicast(bytes)),
  ofIp("isGlobalUnicast", "ip_is_global_unicast", BOOL, ({ bytes }) => isGlobalUnicast(bytes)),
  declare("cidr", [overload("string_to_cidr", [STRING], CIDR, ofText(toCidr))]),
  declare("isCIDR", [
    overload(
      "is_cidr",
      [STRING],
      BOOL,
      ofText((text) => toCidr(text) instanceof CidrValue),
    ),
  ]),
  declare("containsIP", [
    member("cidr_contains_ip_string", [CIDR, STRING], BOOL, method(CidrValue, containsIp)),
    member("cidr_contains_ip_ip", [CIDR, IP], BOOL, method(CidrValue, containsIp)),
  ]),
  declare("containsCIDR", [
    member("cidr_contains_cidr_string", [CIDR, STRING], BOOL, method(CidrValue, containsCidr)),
    member("cidr_contains_cidr", [CIDR, CIDR], BOOL, method(CidrValue, containsCidr)),
  ]),
  declare("prefixLength", [
    member(
      "cidr_prefix_length",
      [CIDR],
      INT,
      method(CidrValue, ({ bits }) => BigInt(bits)),
    ),
  ]),
  declare("masked", [
    member(
      "cidr_masked",
      [CIDR],
      CIDR,
      method(CidrValue, (prefix) => new CidrValue(masked(prefix))),
    ),
  ]),
];

function ofIp(name: string, id: string, result: CelType, read: (address: Address) => Value): FunctionDeclaration {
  return declare(name, [member(id, [IP], result, method(IpValue, read))]);
}

function toIp(text: string): Value {
  try {
    const address = parseAddress(text);
    if (address.zone !== "") return new Failure(`IP address ${JSON.stringify(text)} with zone value is not allowed`);
    if (isMapped(address)) return new Failure(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
    return new IpValue(address);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return new Failure(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ${error.message}`);
  }
}

function isCanonical(text: string): Value {
  const value = toIp(text);
  return value instanceof IpValue ? addressText(value.held) === text : value;
}

const CIDR_REFUSED = "network address parse error during conversion from string";

function toCidr(text: string): Value {
  const prefix = parsePrefix(text);
  if (typeof prefix === "string") return new Failure(`${CIDR_REFUSED}: ${CIDR_REFUSED}: netip.ParsePrefix(${JSON.stringify(text)}): ${prefix}`);
  if (isMapped(prefix.address)) return new Failure(`${CIDR_REFUSED}: IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  return new CidrValue(prefix);
}

/** @returns why it is none, in Go's words */
function parsePrefix(text: string): Prefix | string {
  const slash = text.lastIndexOf("/");
  if (slash === -1) return "no '/'";
  const bits = text.slice(slash + 1);
  try {
    const address = parseAddress(text.slice(0, slash));
    if (address.zone !== "") return "IPv6 zones cannot be present in a prefix";
    if (!/^(?:[1-9]\d*|\d|[+-]\d+)$/.test(bits) || (bits.length > 1 && !/^[1-9]/.test(bits))) return `bad bits after slash: ${JSON.stringify(bits)}`;
    return Number(bits) > address.bytes.length * 8 ? "prefix length out of range" : { address, bits: Number(bits) };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return error.message;
  }
}

function containsIp({ address, bits }: Prefix, other?: Value): Value {
  const ip = typeof other === "string" ? toIp(other) : other;
  if (!(ip instanceof IpValue)) return NO_SUCH_OVERLOAD;
  return sharesPrefix(address.bytes, ip.held.bytes, bits);
}

function containsCidr({ address, bits }: Prefix, other?: Value): Value {
  const inner = typeof other === "string" ? toCidr(other) : other;
  if (!(inner instanceof CidrValue)) return inner instanceof Failure ? inner : NO_SUCH_OVERLOAD;
  return bits <= inner.held.bits && sharesPrefix(address.bytes, inner.held.address.bytes, bits);
}

function masked({ address, bits }: Prefix): Prefix {
  const bytes = address.bytes.map((byte, i) => byte & (0xff << Math.min(8, Math.max(0, (i + 1) * 8 - bits))));
  return { address: { ...address, bytes }, bits };
}

function isUnspecified(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function isLoopback(bytes: Uint8Array): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

function isLinkLocalMulticast(bytes: Uint8Array): boolean {
  if (bytes.length === 4) return bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0;
  return bytes[0] === 0xff && (bytes[1]! & 0x0f) === 0x02;
}

function isLinkLocalUnicast(bytes: Uint8Array): boolean {
  return bytes.length === 4 ? bytes[0] === 169 && bytes[1] === 254 : bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

function isMulticast(bytes: Uint8Array): boolean {
  return bytes.length === 4 ? (bytes[0]! & 0xf0) === 0xe0 : bytes[0] === 0xff;
}

function isGlobalUnicast(bytes: Uint8Array): boolean {
  if (bytes.length === 4 && bytes.every((byte) => byte === 255)) return false;
  return !isUnspecified(bytes) && !isLoopback(bytes) && !isMulticast(bytes) && !isLinkLocalUnicast(bytes);
}
