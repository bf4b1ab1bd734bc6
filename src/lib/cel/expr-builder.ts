import { ACCUMULATOR, type Expr, type Literal, type Node } from "./ast.ts";
import type { Issue } from "./source.ts";

/** A macro that was used wrongly; `id` names the part of it that is at fault. */
export class MacroError {
  readonly id: number;
  readonly message: string;

  constructor(id: number, message: string) {
    this.id = id;
    this.message = message;
  }
}

/** Numbers nodes in the order in which cel-go does, as some of its messages show the numbers, and remembers where each begins. */
export class ExprBuilder {
  readonly positions = new Map<number, number>();
  readonly issues: Issue[] = [];
  #next = 1;

  /** @param offset where the node begins, in the source */
  id(offset: number): number {
    const id = this.#next++;
    this.positions.set(id, offset);
    return id;
  }

  /** Gives back the number of a call that a macro replaced. */
  release(id: number): void {
    if (id === this.#next - 1) this.#next--;
  }

  expr(offset: number, node: Node): Expr {
    return { id: this.id(offset), node };
  }

  literal(offset: number, value: Literal): Expr {
    return this.expr(offset, { kind: "literal", value });
  }

  call(offset: number, name: string, ...args: readonly Expr[]): Expr {
    return this.expr(offset, { kind: "call", name, target: undefined, args });
  }

  memberCall(offset: number, name: string, target: Expr, ...args: readonly Expr[]): Expr {
    return this.expr(offset, { kind: "call", name, target, args });
  }

  list(offset: number, ...elements: readonly Expr[]): Expr {
    return this.expr(offset, { kind: "list", elements, optional: new Set() });
  }

  ident(offset: number, name: string): Expr {
    return this.expr(offset, { kind: "ident", name });
  }

  accumulator(offset: number): Expr {
    return this.ident(offset, ACCUMULATOR);
  }

  report(offset: number, message: string): Expr {
    this.issues.push({ offset, message });
    return this.expr(offset, { kind: "unspecified" });
  }

  offsetOf(id: number): number {
    return this.positions.get(id) ?? -1;
  }

  /** The same expression with numbers of its own. */
  copy(expr: Expr): Expr {
    const { node } = expr;
    const id = this.id(this.offsetOf(expr.id));
    return { id, node: this.#copyNode(node, this.offsetOf(expr.id)) };
  }

  #copyNode(node: Node, offset: number): Node {
    switch (node.kind) {
      case "select":
        return { ...node, operand: this.copy(node.operand) };
      case "call":
        return { ...node, args: node.args.map((arg) => this.copy(arg)), target: node.target && this.copy(node.target) };
      case "list":
        return { ...node, elements: node.elements.map((element) => this.copy(element)) };
      case "map":
        return { ...node, entries: node.entries.map((entry) => ({ ...entry, id: this.id(offset), key: this.copy(entry.key), value: this.copy(entry.value) })) };
      case "struct":
        return { ...node, fields: node.fields.map((field) => ({ ...field, id: this.id(offset), value: this.copy(field.value) })) };
      case "comprehension":
        return {
          ...node,
          iterRange: this.copy(node.iterRange),
          accuInit: this.copy(node.accuInit),
          loopCondition: this.copy(node.loopCondition),
          loopStep: this.copy(node.loopStep),
          result: this.copy(node.result),
        };
      default:
        return node;
    }
  }
}
