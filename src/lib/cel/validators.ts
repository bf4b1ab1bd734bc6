import { childrenOf, type Expr } from "./ast.ts";
import type { CallReference } from "./checker.ts";
import { toDuration, toTimestamp } from "./convert.ts";
import { formatFaults } from "./extensions/validate-format.ts";
import { compilePattern } from "./pattern.ts";
import type { Issue } from "./source.ts";
import { type CelType, formatType, sameType, unwrapOptional } from "./types.ts";
import { Failure, type Value } from "./values.ts";

const LITERALS: Readonly<Record<string, (value: Value) => unknown>> = {
  duration: toDuration,
  timestamp: toTimestamp,
  matches: (value) => (typeof value === "string" ? compilePattern(value) : undefined),
};

interface CheckedTypes {
  readonly types: ReadonlyMap<number, CelType>;
  readonly calls: ReadonlyMap<number, CallReference>;
}

/** Faults of a well-typed expression that are plain before it runs: literals that are no durations, lists of several types. */
export function validate(expr: Expr, checked: CheckedTypes, positions: ReadonlyMap<number, number>): Issue[] {
  const all = descendants(expr);
  const report = (id: number, message: string): Issue => ({ offset: positions.get(id) ?? -1, message });
  const literals = Object.entries(LITERALS).flatMap(([name, convert]) =>
    all.flatMap(({ node }) => {
      if (node.kind !== "call" || node.name !== name) return [];
      const [arg] = node.args;
      if (arg?.node.kind !== "literal" || !(convert(arg.node.value as Value) instanceof Failure)) return [];
      return [report(arg.id, `invalid ${name} argument`)];
    }),
  );
  const formats = all.flatMap((each) => formatFaults(each, checked.types).map(({ id, message }) => report(id, message)));
  const mixed = descendants(expr, isFormat).flatMap((each) =>
    mixedTypes(each, checked.types).map(({ id, wanted, found }) => report(id, mismatch(wanted, found))),
  );
  return [...literals, ...mixed, ...formats];
}

function mismatch(wanted: CelType, found: CelType): string {
  return `expected type '${formatType(wanted)}' but found '${formatType(found)}'`;
}

/** What is formatted may be of several types. */
function isFormat({ node }: Expr): boolean {
  return node.kind === "call" && node.name === "format";
}

/** @param isLeftOut of which the parts are not looked at */
function descendants(expr: Expr, isLeftOut: (each: Expr) => boolean = () => false): Expr[] {
  const found: Expr[] = [];
  const visit = (each: Expr): void => {
    found.push(each);
    if (isLeftOut(each)) return;
    for (const child of childrenOf(each)) visit(child);
  };
  visit(expr);
  return found;
}

interface Mismatch {
  readonly id: number;
  readonly wanted: CelType;
  readonly found: CelType;
}

function mixedTypes({ node }: Expr, types: ReadonlyMap<number, CelType>): Mismatch[] {
  const typed = (expr: Expr, isOptional: boolean): { readonly id: number; readonly type: CelType } => {
    const type = types.get(expr.id)!;
    return { id: expr.id, type: isOptional ? unwrapOptional(type).type : type };
  };
  if (node.kind === "list") return odd(node.elements.map((element, i) => typed(element, node.optional.has(i)))).slice(0, 1);
  if (node.kind !== "map") return [];
  return [...odd(node.entries.map(({ key }) => typed(key, false))), ...odd(node.entries.map(({ value, optional }) => typed(value, optional)))];
}

function odd(all: readonly { readonly id: number; readonly type: CelType }[]): Mismatch[] {
  const [first, ...rest] = all;
  return rest.flatMap(({ id, type }) => (sameType(first!.type, type) ? [] : [{ id, wanted: first!.type, found: type }]));
}
