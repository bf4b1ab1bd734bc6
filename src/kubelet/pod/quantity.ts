const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity stands for: `100m` is 0.1, `1Ki` 1024; `undefined` for what is not one. */
export function quantityValue(text: string | number | undefined): number | undefined {
  if (typeof text !== "string") return text;
  const match = /^([+-]?[0-9.]+)(?:[eE]([+-]?\d+)|([a-zA-Z]*))$/.exec(text);
  if (match === null) return undefined;
  const factor = match[2] !== undefined ? 10 ** Number(match[2]) : SUFFIXES[match[3] ?? ""];
  const value = Number(match[1]) * (factor ?? Number.NaN);
  return Number.isNaN(value) ? undefined : value;
}

/** Rounded up, with the noise of binary fractions taken off first: `0.1 * 1000` is 100. */
export function ceilQuantity(value: number): number {
  return Math.ceil(Number(value.toPrecision(15)));
}

/** CPU in thousandths of a core. */
export function milliValue(text: string | number | undefined): number | undefined {
  const value = quantityValue(text);
  return value === undefined ? undefined : ceilQuantity(value * 1000);
}
