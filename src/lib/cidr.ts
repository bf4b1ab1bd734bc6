/** A range of IPv4 addresses, from the number `base` on, with `bits` bits in common. */
export interface Cidr {
  readonly base: number;
  readonly bits: number;
}

/** Reads `10.42.0.0/16`; the host's bits do not count. Undefined when `text` is no IPv4 range. */
export function parseCidr(text: string): Cidr | undefined {
  const [, a, b, c, d, bits] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text) ?? [];
  const octets = [a, b, c, d].map(Number);
  if (bits === undefined || Number(bits) > 32 || octets.some((octet) => octet > 255)) return undefined;
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return { base: address - (address % 2 ** (32 - Number(bits))), bits: Number(bits) };
}

export function formatCidr({ base, bits }: Cidr): string {
  return `${formatAddress(base)}/${bits}`;
}

/**
 * The `index`-th address of a range: index 1 of 10.43.0.0/16 is 10.43.0.1.
 *
 * @throws {RangeError} when `text` is no IPv4 range
 */
export function addressAt(text: string, index: number): string {
  const range = parseCidr(text);
  if (range === undefined) throw new RangeError(`${JSON.stringify(text)} is no IPv4 range`);
  return formatAddress(range.base + index);
}

/** Whether two ranges have an address in common. */
export function overlap(a: Cidr, b: Cidr): boolean {
  return a.base < endOf(b) && b.base < endOf(a);
}

/** The first range of `maskBits` within `whole` that none in `taken` touches; `undefined` when all are used. */
export function firstFree(whole: Cidr, maskBits: number, taken: readonly Cidr[]): Cidr | undefined {
  const size = 2 ** (32 - maskBits);
  const count = 2 ** Math.max(0, maskBits - whole.bits);
  const used = new Set<number>();
  for (const range of taken) {
    const first = Math.floor((range.base - whole.base) / size);
    const last = Math.floor((endOf(range) - 1 - whole.base) / size);
    for (let index = Math.max(0, first); index <= Math.min(count - 1, last); index++) used.add(index);
  }
  for (let index = 0; index < count; index++) if (!used.has(index)) return { base: whole.base + index * size, bits: maskBits };
  return undefined;
}

const formatAddress = (address: number) => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");

const endOf = ({ base, bits }: Cidr) => base + 2 ** (32 - bits);
