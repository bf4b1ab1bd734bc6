import { isObject } from "#apimachinery/decode/own.ts";

/** One rule of a schema that a value breaks. `name` is the path from the value that was looked at. */
export type Fault =
  | { readonly kind: "required"; readonly name: string }
  | { readonly kind: "enum"; readonly name: string; readonly value: unknown; readonly values: readonly string[] }
  | { readonly kind: "tooLong"; readonly name: string; readonly max: number }
  | { readonly kind: "tooMany"; readonly name: string; readonly count: number; readonly max: number }
  | { readonly kind: "type" | "invalid"; readonly name: string; readonly value: unknown; readonly message: string }
  /** About the whole, without a place. */
  | { readonly kind: "plain"; readonly message: string };

/** @see kube-openapi pkg/validation/errors */
export const faults = {
  required: (name: string): Fault => ({ kind: "required", name }),
  enum: (name: string, value: unknown, values: readonly string[]): Fault => ({ kind: "enum", name, value, values }),
  tooLong: (name: string, max: number): Fault => ({ kind: "tooLong", name, max }),
  tooMany: (name: string, count: number, max: number): Fault => ({ kind: "tooMany", name, count, max }),
  type: (name: string, wanted: string, got: string): Fault => ({
    kind: "type",
    name,
    value: got,
    message: `${name} in body must be of type ${wanted}: ${JSON.stringify(got)}`,
  }),
  invalid: (name: string, value: unknown, why: string): Fault => ({ kind: "invalid", name, value, message: `${name} in body ${why}` }),
  factor: (name: string, factor: number): Fault => ({
    kind: "invalid",
    name,
    value: factor,
    message: `factor MultipleOf declared for ${name} must be positive: ${factor}`,
  }),
  forbidden: (name: string, member: string): Fault => ({ kind: "invalid", name, value: member, message: `${name}.${member} in body is a forbidden property` }),
  plain: (message: string): Fault => ({ kind: "plain", message }),
};

/** What a check found, and how much of it matched. */
export class Findings {
  readonly faults: Fault[];
  matches = 0;

  constructor(found: Fault[] = []) {
    this.faults = found;
  }

  get valid(): boolean {
    return this.faults.length === 0;
  }

  add(fault: Fault): void {
    this.faults.push(fault);
  }

  merge(other: Findings | undefined): this {
    if (other !== undefined) {
      this.faults.push(...other.faults);
      this.matches += other.matches;
    }
    return this;
  }

  count(): this {
    this.matches++;
    return this;
  }
}

/** A value with the members of its objects in order, as Go prints maps. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}
