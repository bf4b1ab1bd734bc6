import type { Implementation } from "#lib/cel/declarations.ts";
import { NO_SUCH_OVERLOAD, OpaqueValue, type Value } from "#lib/cel/values.ts";

/** A value that holds one of ours. */
export abstract class Held<T> extends OpaqueValue {
  readonly held: T;

  constructor(held: T) {
    super();
    this.held = held;
  }
}

/** A method of such a value. */
export function method<T>(kind: abstract new (held: never) => Held<T>, run: (held: T, ...rest: Value[]) => Value): Implementation {
  return (value, ...rest) => (value instanceof kind ? run(value.held, ...rest) : NO_SUCH_OVERLOAD);
}

/** A function of a string. */
export function ofText(run: (text: string, ...rest: Value[]) => Value): Implementation {
  return (value, ...rest) => (typeof value === "string" ? run(value, ...rest) : NO_SUCH_OVERLOAD);
}
