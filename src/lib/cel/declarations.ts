import { typeOfValue } from "./inspect.ts";
import type { CelType, Kind } from "./types.ts";
import { Failure, ListValue, NO_SUCH_OVERLOAD, type Value } from "./values.ts";

export type Implementation = (...args: Value[]) => Value;

/** One signature of a function. */
export interface Overload {
  /** Upstream's name of the signature, by which costs are looked up. */
  readonly id: string;
  /** Whether it is called as `args[0].name(...)`. */
  readonly isMember: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  /** Left out where the function has one implementation for all its signatures. */
  readonly run: Implementation | undefined;
}

export interface FunctionDeclaration {
  readonly name: string;
  readonly overloads: readonly Overload[];
  /** For all signatures, where it looks at its arguments itself. */
  readonly run: Implementation | undefined;
}

export function overload(id: string, args: readonly CelType[], result: CelType, run?: Implementation): Overload {
  return { id, isMember: false, args, result, run };
}

export function member(id: string, args: readonly CelType[], result: CelType, run?: Implementation): Overload {
  return { id, isMember: true, args, result, run };
}

/** @param run for all overloads together, where they have none of their own */
export function declare(name: string, overloads: readonly Overload[], run?: Implementation): FunctionDeclaration {
  return { name, overloads, run };
}

/** Puts functions into one table; of functions with one name, the overloads are joined. */
export function functionTable(...libraries: readonly (readonly FunctionDeclaration[])[]): ReadonlyMap<string, FunctionDeclaration> {
  const table = new Map<string, FunctionDeclaration>();
  for (const declaration of libraries.flat()) {
    const earlier = table.get(declaration.name);
    table.set(declaration.name, earlier === undefined ? declaration : join(earlier, declaration));
  }
  return table;
}

function join(a: FunctionDeclaration, b: FunctionDeclaration): FunctionDeclaration {
  const overloads = [a, b].flatMap(({ overloads: own, run }) => own.map((each) => ({ ...each, run: each.run ?? run })));
  return { name: a.name, overloads, run: undefined };
}

/** Calls the overload that fits the values, of those which the checker left as candidates. */
export function dispatch(declaration: FunctionDeclaration, candidates: readonly Overload[]): Implementation {
  if (declaration.run !== undefined) return declaration.run;
  return (...args) => {
    for (const { args: types, run } of candidates) {
      if (run !== undefined && types.length === args.length && args.every((arg, i) => accepts(types[i]!, arg))) return run(...args);
    }
    return new Failure(`no such overload: ${declaration.name}(${args.map((arg) => typeOfValue(arg).name).join(", ")})`);
  };
}

const RECEIVERS: readonly Kind[] = ["string", "timestamp", "duration"];

/** An implementation for values of some kinds alone; what it says of others is upstream's. */
export function onlyFor(name: string, kinds: readonly Kind[], run: Implementation): Implementation {
  return (...args) => {
    const { kind } = typeOfValue(args[0]!);
    if (kinds.includes(kind)) return run(...args);
    return RECEIVERS.includes(kind) ? NO_SUCH_OVERLOAD : new Failure(`no such overload: ${name}`);
  };
}

/** Of a list, the first element is looked at. */
function accepts(type: CelType, value: Value): boolean {
  if (type.kind === "param" || type.kind === "dyn" || type.kind === "any") return true;
  const actual = typeOfValue(value);
  if (actual.kind !== type.kind || actual.name !== type.name) return false;
  if (value instanceof ListValue && value.size > 0) return accepts(type.params[0]!, value.get(0));
  return true;
}
