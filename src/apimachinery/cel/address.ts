/** An address in Go's terms: 4 bytes or 16. */
export interface Address {
  readonly bytes: Uint8Array;
  readonly zone: string;
}

/** Why a text is no address, in Go's words. */
export class AddressError extends Error {
  constructor(text: string, what: string, at = "") {
    super(`ParseAddr(${JSON.stringify(text)}): ${what}${at === "" ? "" : ` (at ${JSON.stringify(at)})`}`);
  }
}

/**
 * @throws {AddressError}
 * @see Go's net/netip ParseAddr
 */
export function parseAddress(text: string): Address {
  const first = /[.:%]/.exec(text)?.[0];
  if (first === ".") return { bytes: parseIPv4(text, text), zone: "" };
  if (first === ":") return parseIPv6(text);
  throw new AddressError(text, first === "%" ? "missing IPv6 address" : "unable to parse IP");
}

function parseIPv4(text: string, part: string): Uint8Array {
  const fields: number[] = [];
  let value = 0;
  let length = 0;
  for (let i = 0; i < part.length; i++) {
    const char = part[i]!;
    if (/\d/.test(char)) {
      if (length === 1 && value === 0) throw new AddressError(text, "IPv4 field has octet with leading zero");
      value = value * 10 + Number(char);
      length++;
      if (value > 255) throw new AddressError(text, "IPv4 field has value >255");
    } else if (char === ".") {
      if (i === 0 || i === part.length - 1 || part[i - 1] === ".") throw new AddressError(text, "IPv4 field must have at least one digit", part.slice(i));
      if (fields.length === 3) throw new AddressError(text, "IPv4 address too long");
      fields.push(value);
      value = 0;
      length = 0;
    } else throw new AddressError(text, "unexpected character", part.slice(i));
  }
  if (fields.length < 3) throw new AddressError(text, "IPv4 address too short");
  return Uint8Array.from([...fields, value]);
}

function parseIPv6(text: string): Address {
  const percent = text.indexOf("%");
  const zone = percent === -1 ? "" : text.slice(percent + 1);
  if (percent !== -1 && zone === "") throw new AddressError(text, "zone must be a non-empty string");
  let rest = percent === -1 ? text : text.slice(0, percent);
  const bytes: number[] = [];
  let gap = -1;
  if (rest.startsWith("::")) {
    gap = 0;
    rest = rest.slice(2);
  }
  while (rest !== "" && bytes.length < 16) {
    const digits = hexField(text, rest);
    if (rest[digits.length] === ".") {
      checkEmbedded(text, rest, gap, bytes.length);
      bytes.push(...parseIPv4(text, rest));
      rest = "";
      break;
    }
    const value = Number.parseInt(digits, 16);
    bytes.push(value >> 8, value & 0xff);
    rest = rest.slice(digits.length);
    if (rest === "") break;
    if (rest[0] !== ":") throw new AddressError(text, "unexpected character, want colon", rest);
    if (rest.length === 1) throw new AddressError(text, "colon must be followed by more characters", rest);
    rest = rest.slice(1);
    if (rest[0] !== ":") continue;
    if (gap >= 0) throw new AddressError(text, "multiple :: in address", rest);
    gap = bytes.length;
    rest = rest.slice(1);
  }
  if (rest !== "") throw new AddressError(text, "trailing garbage after address", rest);
  return { bytes: filled(text, bytes, gap), zone };
}

function hexField(text: string, rest: string): string {
  const digits = /^[0-9a-fA-F]*/.exec(rest)![0];
  if (digits === "") throw new AddressError(text, "each colon-separated field must have at least one digit", rest);
  if (digits.length > 4) throw new AddressError(text, "each group must have 4 or less digits", rest);
  return digits;
}

function checkEmbedded(text: string, rest: string, gap: number, length: number): void {
  if (gap < 0 && length !== 12) throw new AddressError(text, "embedded IPv4 address must replace the final 2 fields of the address", rest);
  if (length + 4 > 16) throw new AddressError(text, "too many hex fields to fit an embedded IPv4 at the end of the address", rest);
}

function filled(text: string, bytes: readonly number[], gap: number): Uint8Array {
  if (bytes.length === 16) {
    if (gap >= 0) throw new AddressError(text, "the :: must expand to at least one field of zeros");
    return Uint8Array.from(bytes);
  }
  if (gap < 0) throw new AddressError(text, "address string too short");
  return Uint8Array.from([...bytes.slice(0, gap), ...Array.from({ length: 16 - bytes.length }, () => 0), ...bytes.slice(gap)]);
}

/** An IPv4 address in IPv6's form. */
export function isMapped({ bytes }: Address): boolean {
  return bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** In the one form of RFC 5952. */
export function addressText({ bytes }: Address): string {
  if (bytes.length === 4) return bytes.join(".");
  const fields = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  const [start, length] = longestZeros(fields);
  if (length < 2) return fields.join(":");
  return `${fields.slice(0, start).join(":")}::${fields.slice(start + length).join(":")}`;
}

function longestZeros(fields: readonly string[]): [number, number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < fields.length; start++) {
    let length = 0;
    while (fields[start + length] === "0") length++;
    if (length > best[1]) best = [start, length];
  }
  return best;
}

export function isSameAddress(a: Address, b: Address): boolean {
  return a.zone === b.zone && Buffer.compare(a.bytes, b.bytes) === 0;
}

/** Whether the first `bits` of both are the same. */
export function sharesPrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i * 8 < bits; i++) {
    const mask = 0xff << Math.max(0, (i + 1) * 8 - bits);
    if (((a[i]! ^ b[i]!) & mask & 0xff) !== 0) return false;
  }
  return true;
}
