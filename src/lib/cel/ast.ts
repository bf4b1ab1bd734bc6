/** The tree of an expression. A node keeps its number when the checker replaces what it stands for. */
export interface Expr {
  readonly id: number;
  node: Node;
}

export type Literal = null | boolean | bigint | number | string | Uint8Array | { readonly uint: bigint };

export interface Comprehension {
  readonly kind: "comprehension";
  readonly iterRange: Expr;
  readonly iterVar: string;
  /** Set where both a key (or index) and its value are bound. */
  readonly iterVar2: string | undefined;
  readonly accuVar: string;
  readonly accuInit: Expr;
  readonly loopCondition: Expr;
  readonly loopStep: Expr;
  readonly result: Expr;
}

export interface Call {
  readonly kind: "call";
  readonly name: string;
  /** The receiver of `target.name(args)`. */
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

export interface Select {
  readonly kind: "select";
  readonly operand: Expr;
  readonly field: string;
  /** `has(operand.field)`. */
  readonly testOnly: boolean;
}

export interface MapEntry {
  readonly id: number;
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface StructField {
  readonly id: number;
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

export type Node =
  | { readonly kind: "literal"; readonly value: Literal }
  | { readonly kind: "ident"; readonly name: string }
  | Select
  | Call
  | { readonly kind: "list"; readonly elements: readonly Expr[]; readonly optional: ReadonlySet<number> }
  | { readonly kind: "map"; readonly entries: readonly MapEntry[] }
  | { readonly kind: "struct"; readonly typeName: string; readonly fields: readonly StructField[] }
  | Comprehension
  | { readonly kind: "unspecified" };

/** The accumulator of a macro's loop; no identifier can be spelled so. */
export const ACCUMULATOR = "@result";

/** `a.b.c` as a name, if the expression is nothing else. */
export function qualifiedName({ node }: Expr): string | undefined {
  if (node.kind === "ident") return node.name;
  if (node.kind !== "select" || node.testOnly) return undefined;
  const prefix = qualifiedName(node.operand);
  return prefix === undefined ? undefined : `${prefix}.${node.field}`;
}

/** The direct parts of an expression, in the order of the source. */
export function childrenOf({ node }: Expr): readonly Expr[] {
  switch (node.kind) {
    case "select":
      return [node.operand];
    case "call":
      return node.target === undefined ? node.args : [node.target, ...node.args];
    case "list":
      return node.elements;
    case "map":
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case "struct":
      return node.fields.map(({ value }) => value);
    case "comprehension":
      return [node.iterRange, node.accuInit, node.loopCondition, node.loopStep, node.result];
    default:
      return [];
  }
}
