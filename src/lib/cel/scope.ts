import type { CelType } from "./types.ts";

/** Variables by name, those of inner loops before those of outer ones. */
export class Scope {
  readonly #variables: ReadonlyMap<string, CelType>;
  readonly parent: Scope | undefined;

  constructor(variables: ReadonlyMap<string, CelType>, parent?: Scope) {
    this.#variables = variables;
    this.parent = parent;
  }

  find(name: string): CelType | undefined {
    return this.#variables.get(name) ?? this.parent?.find(name);
  }

  enter(...variables: readonly (readonly [string, CelType])[]): Scope {
    return new Scope(new Map(variables), this);
  }
}
