import { goQuoted } from "#apimachinery/field-error.ts";

/** As Go's `%q` prints a list of strings: `["a" "b"]`. */
export const goList = (values: readonly string[]): string => `[${values.map(goQuoted).join(" ")}]`;
