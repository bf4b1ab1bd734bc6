import { type CelType, DYN, formatType, isDyn, sameType } from "./types.ts";

/** What is known of type parameters, by their names. */
export class Substitutions {
  readonly #types: Map<string, CelType>;

  constructor(types: Iterable<readonly [string, CelType]> = []) {
    this.#types = new Map(types);
  }

  find(type: CelType): CelType | undefined {
    return this.#types.size === 0 ? undefined : this.#types.get(formatType(type));
  }

  add(from: CelType, to: CelType): void {
    this.#types.set(formatType(from), to);
  }

  copy(): Substitutions {
    return new Substitutions(this.#types);
  }
}

/** The type with its parameters replaced by what is known of them. @param toDyn replaces those of which nothing is known, too */
export function substitute(known: Substitutions, type: CelType, toDyn: boolean): CelType {
  const found = known.find(type);
  if (found !== undefined) return substitute(known, found, toDyn);
  if (type.kind === "param") return toDyn ? DYN : type;
  if (type.params.length === 0) return type;
  return { ...type, params: type.params.map((inner) => substitute(known, inner, toDyn)) };
}

/** @returns what is known of type parameters after all `types` fit into `targets`, or undefined if one does not */
export function assignableAll(known: Substitutions, types: readonly CelType[], targets: readonly CelType[]): Substitutions | undefined {
  const copy = known.copy();
  return fitAll(copy, types, targets) ? copy : undefined;
}

export function assignable(known: Substitutions, type: CelType, target: CelType): Substitutions | undefined {
  return assignableAll(known, [type], [target]);
}

function fitAll(known: Substitutions, types: readonly CelType[], targets: readonly CelType[]): boolean {
  return types.length === targets.length && types.every((type, i) => fits(known, type, targets[i]!));
}

function fits(known: Substitutions, one: CelType, two: CelType): boolean {
  if (two.kind === "param") {
    const { valid, known: wasKnown } = bind(known, one, two);
    if (valid) return true;
    if (wasKnown) return false;
  }
  if (one.kind === "param") return bind(known, two, one).valid;
  if (isWild(one) || isWild(two)) return true;
  if (one.kind === "null") return isNullable(two);
  if (two.kind === "null") return isNullable(one);
  if (one.kind === "type") return two.kind === "type";
  return one.kind === two.kind && one.name === two.name && fitAll(known, one.params, two.params);
}

function isWild(type: CelType): boolean {
  return isDyn(type) || type.kind === "error";
}

function isNullable({ kind }: CelType): boolean {
  return ["null", "opaque", "struct", "any", "duration", "timestamp"].includes(kind);
}

/** Lets the parameter `two` stand for `one`, or for something more general that it already stands for. */
function bind(known: Substitutions, one: CelType, two: CelType): { readonly valid: boolean; readonly known: boolean } {
  if (sameType(one, two)) return { valid: true, known: true };
  const current = known.find(two);
  if (current !== undefined) {
    if (sameType(one, current)) return { valid: true, known: true };
    if (!fits(known, one, current)) return { valid: false, known: true };
    const general = mostGeneral(one, current);
    if (!mentions(known, two, general)) known.add(two, general);
    return { valid: true, known: true };
  }
  if (mentions(known, two, one)) return { valid: false, known: false };
  known.add(two, one);
  return { valid: true, known: false };
}

export function mostGeneral(a: CelType, b: CelType): CelType {
  return isEqualOrLessSpecific(a, b) ? a : b;
}

function isEqualOrLessSpecific(a: CelType, b: CelType): boolean {
  if (isDyn(a) || a.kind === "param") return true;
  if (isDyn(b) || b.kind === "param" || a.kind !== b.kind) return false;
  if (a.kind === "type") return true;
  return a.name === b.name && a.params.length === b.params.length && a.params.every((type, i) => isEqualOrLessSpecific(type, b.params[i]!));
}

/** Whether `type` occurs within `within`, as a type must not stand for one that contains it. */
function mentions(known: Substitutions, type: CelType, within: CelType): boolean {
  if (sameType(type, within)) return true;
  if (within.kind === "param") {
    const found = known.find(within);
    return found !== undefined && mentions(known, type, found);
  }
  return within.params.some((inner) => mentions(known, type, inner));
}
