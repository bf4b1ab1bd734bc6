import type { Expr, MapEntry, StructField } from "./ast.ts";
import { ExprBuilder, MacroError } from "./expr-builder.ts";
import { lex, type Token } from "./lexer.ts";
import { type Macro, macroKey } from "./macros.ts";
import { balanced } from "./parse-logic.ts";
import { literalOf } from "./parse-literal.ts";
import { extraneous, mayFollow, mismatched, missing, noName, OPERANDS, startsOperand, SyntaxFault } from "./parse-faults.ts";
import { LITERALS, PRODUCTS, RELATIONS, RESERVED, SUMS } from "./parse-tables.ts";
import { codePointLength, type Issue, NO_LOCATION } from "./source.ts";

const MAX_DEPTH = 250;
const MAX_CODE_POINTS = 100_000;

export interface Parsed {
  readonly expr: Expr;
  /** Where each numbered node begins. */
  readonly positions: ReadonlyMap<number, number>;
  readonly issues: readonly Issue[];
}

/** Parses an expression and expands its macros. With issues, the tree is of no use. */
export function parse(source: string, macros: ReadonlyMap<string, Macro>): Parsed {
  const build = new ExprBuilder();
  const length = codePointLength(source);
  if (length > MAX_CODE_POINTS) {
    const expr = build.report(NO_LOCATION, `expression code point size exceeds limit: size: ${length}, limit ${MAX_CODE_POINTS}`);
    return { expr, positions: build.positions, issues: build.issues };
  }
  const { tokens, issues } = lex(source);
  build.issues.push(...issues);
  const expr = new Parser(tokens, build, macros).start();
  return { expr, positions: build.positions, issues: build.issues };
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #build: ExprBuilder;
  readonly #macros: ReadonlyMap<string, Macro>;
  readonly #depths = { expr: 0, relation: 0, calc: 0, member: 0 };
  #at = 0;
  #isLost = false;
  /** What the next operand may begin with. */
  #operands: string = OPERANDS.plain;

  constructor(tokens: readonly Token[], build: ExprBuilder, macros: ReadonlyMap<string, Macro>) {
    this.#tokens = tokens;
    this.#build = build;
    this.#macros = macros;
  }

  start(): Expr {
    try {
      const expr = this.#expr();
      const rest = this.#peek();
      if (rest.kind !== "eof") this.#report((this.#ahead(1).kind === "eof" ? extraneous : mismatched)(rest, "<EOF>"));
      return expr;
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error;
      return this.#report(error);
    }
  }

  /** After a fault, others are not worth telling until something fits again. */
  #report(fault: SyntaxFault): Expr {
    if (this.#isLost) return this.#build.expr(fault.offset, { kind: "unspecified" });
    this.#isLost = true;
    return this.#build.report(fault.offset, fault.message);
  }

  #expr(): Expr {
    this.#deepen("expr", 1);
    const condition = this.#or();
    const expr = this.#isOperator("?") ? this.#conditional(condition) : condition;
    this.#depths.expr--;
    return expr;
  }

  #conditional(condition: Expr): Expr {
    const id = this.#build.id(this.#take().offset);
    const ifTrue = this.#or();
    this.#expect(":");
    const ifFalse = this.#expr();
    return this.#callOrMacro(id, "_?_:_", undefined, [condition, ifTrue, ifFalse]);
  }

  #or(): Expr {
    return this.#chain("||", "_||_", () => this.#and());
  }

  #and(): Expr {
    return this.#chain("&&", "_&&_", () => this.#relation());
  }

  /** Terms of a chain become a balanced tree: they may be evaluated in any order, and thousands of them nest no deeper than a dozen. */
  #chain(operator: string, name: string, term: () => Expr): Expr {
    const terms = [term()];
    const ids: number[] = [];
    while (this.#isOperator(operator)) {
      const { offset } = this.#take();
      terms.push(term());
      ids.push(this.#build.id(offset));
    }
    return ids.length === 0 ? terms[0]! : balanced(name, terms, ids);
  }

  #relation(): Expr {
    return this.#leftAssociative("relation", RELATIONS, () => this.#sum());
  }

  #sum(): Expr {
    return this.#leftAssociative("calc", SUMS, () => this.#leftAssociative("calc", PRODUCTS, () => this.#unary()));
  }

  #leftAssociative(rule: "relation" | "calc", operators: ReadonlyMap<string, string>, operand: () => Expr): Expr {
    let depth = 1;
    this.#deepen(rule, 1);
    let left = operand();
    for (let name = this.#operatorOf(operators); name !== undefined; name = this.#operatorOf(operators)) {
      this.#deepen(rule, 1);
      depth++;
      const id = this.#build.id(this.#take().offset);
      left = this.#callOrMacro(id, name, undefined, [left, operand()]);
    }
    this.#depths[rule] -= depth;
    return left;
  }

  #operatorOf(operators: ReadonlyMap<string, string>): string | undefined {
    const { kind, text } = this.#peek();
    return kind === "operator" || kind === "in" ? operators.get(text) : undefined;
  }

  #unary(): Expr {
    const { text, kind, offset } = this.#peek();
    if (kind !== "operator" || (text !== "!" && text !== "-")) return this.#member();
    if (text === "-" && this.#isNumber(1)) return this.#member();
    let count = 0;
    while (this.#isOperator(text)) {
      this.#take();
      count++;
    }
    if (count % 2 === 0) return this.#member();
    const id = this.#build.id(offset);
    return this.#callOrMacro(id, text === "!" ? "!_" : "-_", undefined, [this.#member()]);
  }

  #isNumber(ahead: number): boolean {
    const kind = this.#tokens[this.#at + ahead]?.kind;
    return kind === "NUM_INT" || kind === "NUM_FLOAT";
  }

  #member(): Expr {
    let depth = 1;
    this.#deepen("member", 1);
    let expr = this.#primary();
    for (;;) {
      if (this.#isOperator(".")) expr = this.#selection(expr);
      else if (this.#isOperator("[")) expr = this.#index(expr);
      else break;
      this.#deepen("member", 1);
      depth++;
    }
    this.#depths.member -= depth;
    return expr;
  }

  #selection(operand: Expr): Expr {
    const dot = this.#take();
    const isOptional = this.#skip("?");
    const name = this.#peek();
    if (name.kind !== "IDENTIFIER" && name.kind !== "ESC_IDENTIFIER") {
      if (!isOptional) return this.#report(noName(name));
      this.#report(mismatched(name, "{IDENTIFIER, ESC_IDENTIFIER}"));
      return this.#build.report(name.offset, "unsupported ident kind");
    }
    this.#take();
    if (!isOptional && name.kind === "IDENTIFIER" && this.#isOperator("(")) return this.#memberCall(operand, name.text);
    if (name.kind === "ESC_IDENTIFIER") this.#build.report(name.offset, "unsupported syntax: '`'");
    if (!isOptional) return this.#build.expr(dot.offset, { kind: "select", operand, field: name.text, testOnly: false });
    const field = this.#build.literal(name.offset, name.text);
    return this.#build.call(dot.offset, "_?._", operand, field);
  }

  #memberCall(target: Expr, name: string): Expr {
    const id = this.#build.id(this.#take().offset);
    return this.#callOrMacro(id, name, target, this.#arguments());
  }

  #index(target: Expr): Expr {
    const id = this.#build.id(this.#take().offset);
    const name = this.#skip("?") ? "_[?_]" : "_[_]";
    const index = this.#within(name === "_[_]" ? OPERANDS.index : OPERANDS.plain);
    this.#expect("]");
    return this.#callOrMacro(id, name, undefined, [target, index]);
  }

  #primary(): Expr {
    const token = this.#peek();
    if (token.kind === "IDENTIFIER" || (token.text === "." && token.kind === "operator")) return this.#name();
    if (token.kind === "operator" && token.text === "(") return this.#nested();
    if (token.kind === "operator" && token.text === "[") return this.#list();
    if (token.kind === "operator" && token.text === "{") return this.#map();
    const sign = this.#isOperator("-") && this.#isNumber(1) ? "-" : "";
    if (sign !== "") this.#take();
    const value = this.#peek();
    if (!LITERALS.has(value.kind)) return this.#noOperand(value);
    this.#take();
    const read = literalOf(value, sign);
    return read instanceof SyntaxFault ? this.#build.report(token.offset, read.message) : this.#build.literal(token.offset, read);
  }

  /** A token that stands before an operand is left out; else the operand is what is missing. */
  #noOperand(token: Token): Expr {
    if (!startsOperand(this.#ahead(1))) return this.#report(mismatched(token, this.#operands));
    this.#report(extraneous(token, this.#operands));
    this.#at++;
    return this.#primary();
  }

  /** An expression in brackets, whose first operand may begin as told. */
  #within(operands: string): Expr {
    this.#operands = operands;
    return this.#expr();
  }

  #nested(): Expr {
    this.#take();
    const expr = this.#expr();
    this.#expect(")");
    return expr;
  }

  #name(): Expr {
    const start = this.#peek().offset;
    const dot = this.#skip(".") ? "." : "";
    if (this.#peek().kind !== "IDENTIFIER") throw noName(this.#peek());
    if (this.#isMessage()) return this.#struct(dot);
    const { text, offset } = this.#take();
    if (RESERVED.has(text)) {
      const reserved = this.#build.report(start, `reserved identifier: ${text}`);
      if (this.#skip("(")) this.#arguments();
      return reserved;
    }
    if (!this.#isOperator("(")) return this.#build.ident(offset, dot + text);
    const id = this.#build.id(this.#take().offset);
    return this.#callOrMacro(id, dot + text, undefined, this.#arguments());
  }

  /** Whether a type's name and a brace follow. */
  #isMessage(): boolean {
    let ahead = 1;
    while (this.#tokens[this.#at + ahead]?.text === "." && this.#tokens[this.#at + ahead + 1]?.kind === "IDENTIFIER") ahead += 2;
    const after = this.#tokens[this.#at + ahead];
    return after?.kind === "operator" && after.text === "{";
  }

  #struct(dot: string): Expr {
    let typeName = dot + this.#take().text;
    while (this.#skip(".")) typeName += `.${this.#take().text}`;
    const id = this.#build.id(this.#take().offset);
    const fields: StructField[] = [];
    while (!this.#isOperator("}")) {
      fields.push(this.#structField());
      if (!this.#skip(",")) break;
    }
    this.#expect("}", "{'}', ','}");
    return { id, node: { kind: "struct", typeName, fields } };
  }

  #structField(): StructField {
    const optional = this.#skip("?");
    const name = this.#take();
    if (name.kind !== "IDENTIFIER") throw mismatched(name, "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}");
    const id = this.#build.id(this.#expect(":").offset);
    return { id, name: name.text, value: this.#expr(), optional };
  }

  #list(): Expr {
    const id = this.#build.id(this.#take().offset);
    const elements: Expr[] = [];
    const optional = new Set<number>();
    while (!this.#isOperator("]")) {
      if (elements.length === 0 && this.#skip(",")) break;
      if (this.#skip("?")) optional.add(elements.length);
      elements.push(this.#within(elements.length === 0 && !optional.has(0) ? OPERANDS.element : OPERANDS.plain));
      if (!this.#skip(",") || this.#isOver()) break;
    }
    this.#expect("]", "{']', ','}");
    return { id, node: { kind: "list", elements, optional } };
  }

  #isOver(): boolean {
    return this.#peek().kind === "eof";
  }

  #map(): Expr {
    const id = this.#build.id(this.#take().offset);
    const entries: MapEntry[] = [];
    while (!this.#isOperator("}")) {
      if (entries.length === 0 && this.#skip(",")) break;
      const optional = this.#skip("?");
      const entryId = this.#build.id(NO_LOCATION);
      const key = this.#within(entries.length === 0 && !optional ? OPERANDS.entry : OPERANDS.plain);
      this.#build.positions.set(entryId, this.#expect(":").offset);
      entries.push({ id: entryId, key, value: this.#expr(), optional });
      if (!this.#skip(",") || this.#isOver()) break;
    }
    this.#expect("}", "{'}', ','}");
    return { id, node: { kind: "map", entries } };
  }

  /** Those after an opening parenthesis, which has been taken. */
  #arguments(): Expr[] {
    const args: Expr[] = [];
    if (this.#skip(")")) return args;
    do args.push(this.#within(args.length === 0 ? OPERANDS.argument : OPERANDS.plain));
    while (this.#skip(","));
    this.#expect(")");
    return args;
  }

  #callOrMacro(id: number, name: string, target: Expr | undefined, args: readonly Expr[]): Expr {
    const macro = this.#isLost ? undefined : this.#macros.get(macroKey(name, args.length, target !== undefined));
    if (macro === undefined) return { id, node: { kind: "call", name, target, args } };
    const offset = this.#build.offsetOf(id);
    const expanded = macro({ build: this.#build, offset, target, args });
    this.#build.release(id);
    return expanded instanceof MacroError ? this.#build.report(this.#build.offsetOf(expanded.id), expanded.message) : expanded;
  }

  #deepen(rule: "expr" | "relation" | "calc" | "member", by: number): void {
    this.#depths[rule] += by;
    if (this.#depths[rule] > MAX_DEPTH) throw new SyntaxFault(NO_LOCATION, `expression recursion limit exceeded: ${MAX_DEPTH}`);
  }

  #peek(): Token {
    return this.#tokens[this.#at]!;
  }

  #ahead(count: number): Token {
    return this.#tokens[this.#at + count] ?? this.#tokens.at(-1)!;
  }

  #take(): Token {
    const token = this.#tokens[this.#at]!;
    this.#isLost = false;
    this.#operands = OPERANDS.plain;
    if (token.kind !== "eof") this.#at++;
    return token;
  }

  #isOperator(text: string): boolean {
    const token = this.#peek();
    return token.kind === "operator" && token.text === text;
  }

  #skip(text: string): boolean {
    if (!this.#isOperator(text)) return false;
    this.#take();
    return true;
  }

  /** A token too many is left out, and one that is missing taken for granted, where that mends the expression. */
  #expect(text: string, expected = `'${text}'`): Token {
    if (this.#isOperator(text)) return this.#take();
    const token = this.#peek();
    const next = this.#ahead(1);
    if (next.kind === "operator" && next.text === text) {
      this.#report(extraneous(token, expected));
      this.#at++;
      return this.#take();
    }
    const isListEnd = expected !== `'${text}'` && this.#tokens[this.#at - 1]?.text !== ",";
    const fits = text === ":" ? startsOperand(token) : mayFollow(token, this.#depths.expr > 2);
    if (isListEnd || !fits) throw mismatched(token, expected);
    this.#report(missing(token, text));
    return token;
  }
}
