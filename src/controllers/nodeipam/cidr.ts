/** An IPv4 range. */
export interface Cidr {
  readonly base: number;
  readonly bits: number;
}

/** @throws {RangeError} when `text` is no IPv4 range */
export function parseCidr(text: string): Cidr {
  const [, a, b, c, d, bits] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text) ?? [];
  const octets = [a, b, c, d].map(Number);
  if (bits === undefined || Number(bits) > 32 || octets.some((octet) => octet > 255)) throw new RangeError(`${JSON.stringify(text)} is no IPv4 range`);
  const size = 2 ** (32 - Number(bits));
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return { base: address - (address % size), bits: Number(bits) };
}

export function formatCidr({ base, bits }: Cidr): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".")}/${bits}`;
}

/** The first range of `maskBits` within `whole` that none in `taken` touches; `undefined` when all are used. */
export function firstFree(whole: Cidr, maskBits: number, taken: readonly Cidr[]): Cidr | undefined {
  const size = 2 ** (32 - maskBits);
  const count = 2 ** Math.max(0, maskBits - whole.bits);
  const used = new Set<number>();
  for (const { base, bits } of taken) {
    const first = Math.floor((base - whole.base) / size);
    const last = Math.floor((base + 2 ** (32 - bits) - 1 - whole.base) / size);
    for (let index = Math.max(0, first); index <= Math.min(count - 1, last); index++) used.add(index);
  }
  for (let index = 0; index < count; index++) if (!used.has(index)) return { base: whole.base + index * size, bits: maskBits };
  return undefined;
}
