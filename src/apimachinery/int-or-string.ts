/** A number, or a percentage like `25%`. */
export type IntOrString = number | string;

/** As a flag or file gives it: digits are a number. */
export function parseIntOrString(text: string): IntOrString {
  return /^[+-]?[0-9]+$/.test(text) && Math.abs(Number(text)) < 2 ** 31 ? Number(text) : text;
}

/**
 * What a number or percentage comes to of `total`.
 *
 * @returns `undefined` for a text that is no percentage
 * @see apimachinery pkg/util/intstr GetScaledValueFromIntOrPercent
 */
export function scaledValue(value: IntOrString, total: number, { roundUp }: { readonly roundUp: boolean }): number | undefined {
  if (typeof value === "number") return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  return roundUp ? Math.ceil((percent * total) / 100) : Math.floor((percent * total) / 100);
}

/** The number of a percentage, `undefined` for anything else. */
export function percentOf(value: IntOrString): number | undefined {
  return typeof value === "string" && /^[+-]?[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : undefined;
}
