import { Findings, faults } from "./findings.ts";
import type { JsonSchema } from "./json-schema.ts";

/** What a schema says of a number; bounds of whole numbers count as whole numbers. @see kube-openapi pkg/validation/validate/validator.go */
export function checkNumber(schema: JsonSchema, value: number | bigint, path: string): Findings {
  const { multipleOf, maximum, minimum, exclusiveMaximum = false, exclusiveMinimum = false } = schema;
  const found = new Findings();
  const asGiven = (limit: number) => (typeof value === "bigint" || Number.isInteger(value) ? Math.trunc(limit) : limit);
  const orEqual = (exclusive: boolean) => (exclusive ? "" : "or equal to ");
  if (multipleOf !== undefined) {
    const factor = asGiven(multipleOf);
    if (factor <= 0) found.add(faults.factor(path, factor));
    else if (!isMultiple(value, factor)) found.add(faults.invalid(path, value, `should be a multiple of ${factor}`));
  }
  if (minimum !== undefined) {
    const limit = asGiven(minimum);
    if (exclusiveMinimum ? value <= limit : value < limit)
      found.add(faults.invalid(path, value, `should be greater than ${orEqual(exclusiveMinimum)}${limit}`));
  }
  if (maximum !== undefined) {
    const limit = asGiven(maximum);
    if (exclusiveMaximum ? value >= limit : value > limit) found.add(faults.invalid(path, value, `should be less than ${orEqual(exclusiveMaximum)}${limit}`));
  }
  return found.count();
}

function isMultiple(value: number | bigint, factor: number): boolean {
  if (typeof value === "bigint") return value % BigInt(factor) === 0n;
  const times = factor < 1 ? (1 / factor) * value : value / factor;
  return Number.isInteger(times) || Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times));
}
