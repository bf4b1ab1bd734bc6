import { ACCUMULATOR, type Call, type Comprehension, type Expr, type Literal, qualifiedName } from "./ast.ts";
import { type FunctionDeclaration, type Overload } from "./declarations.ts";
import type { Environment } from "./environment.ts";
import { Scope } from "./scope.ts";
import type { Issue } from "./source.ts";
import { assignable, assignableAll, mostGeneral, substitute, Substitutions } from "./type-relations.ts";
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DYN,
  ERROR,
  formatArguments,
  formatType,
  INT,
  isDyn,
  listOf,
  mapOf,
  NULL,
  optionalOf,
  param,
  sameType,
  STRING,
  typeOf,
  UINT,
  unwrapOptional,
} from "./types.ts";

/** What a call means: the overloads that may be meant; several where types are known only at run time. */
export interface CallReference {
  readonly declaration: FunctionDeclaration;
  readonly overloads: readonly Overload[];
}

export interface Checked {
  readonly expr: Expr;
  readonly types: ReadonlyMap<number, CelType>;
  readonly calls: ReadonlyMap<number, CallReference>;
  /** Identifiers that name a type. */
  readonly typeNames: ReadonlyMap<number, CelType>;
  readonly issues: readonly Issue[];
}

/** Finds the types of all parts of an expression. Rewrites it where a name with dots is one variable or one function. */
export function check(expr: Expr, positions: ReadonlyMap<number, number>, environment: Environment): Checked {
  const checker = new Checker(positions, environment);
  checker.check(expr);
  return checker.result(expr);
}

class Checker {
  readonly #positions: ReadonlyMap<number, number>;
  readonly #environment: Environment;
  readonly #types = new Map<number, CelType>();
  readonly #calls = new Map<number, CallReference>();
  readonly #typeNames = new Map<number, CelType>();
  readonly #issues: Issue[] = [];
  #scope: Scope;
  #known = new Substitutions();
  #made = 0;

  constructor(positions: ReadonlyMap<number, number>, environment: Environment) {
    this.#positions = positions;
    this.#environment = environment;
    this.#scope = new Scope(environment.variables);
  }

  result(expr: Expr): Checked {
    const types = new Map([...this.#types].map(([id, type]) => [id, substitute(this.#known, type, true)]));
    return { expr, types, calls: this.#calls, typeNames: this.#typeNames, issues: this.#issues };
  }

  check(expr: Expr): CelType {
    const type = this.#typeOf(expr);
    this.#types.set(expr.id, type);
    return type;
  }

  #typeOf(expr: Expr): CelType {
    const { node } = expr;
    switch (node.kind) {
      case "literal":
        return literalType(node.value);
      case "ident":
        return this.#lookUp(expr, node.name) ?? this.#undeclared(expr, node.name);
      case "select":
        return this.#checkSelect(expr);
      case "call":
        return this.#checkCall(expr, node);
      case "list":
        return this.#checkList(node.elements, node.optional);
      case "map":
        return this.#checkMap(expr);
      case "struct":
        return this.#checkStruct(expr);
      case "comprehension":
        return this.#checkComprehension(node);
      default:
        return ERROR;
    }
  }

  /** The type of a name, which then becomes the node. */
  #lookUp(expr: Expr, spelled: string): CelType | undefined {
    const name = spelled.startsWith(".") ? spelled.slice(1) : spelled;
    const variable = this.#scope.find(name);
    const named = variable === undefined ? this.#namedType(name) : undefined;
    if (variable === undefined && named === undefined) return undefined;
    if (named !== undefined) this.#typeNames.set(expr.id, named);
    expr.node = { kind: "ident", name };
    return variable ?? typeOf(named!);
  }

  #namedType(name: string): CelType | undefined {
    const { types, provider } = this.#environment;
    return types.get(name) ?? (provider.has(name) ? { kind: "struct", name, params: [] } : undefined);
  }

  #undeclared(expr: Expr, name: string): CelType {
    return this.#fail(expr.id, `undeclared reference to '${name}' (in container '')`);
  }

  #fail(id: number, message: string): CelType {
    this.#issues.push({ offset: this.#positions.get(id) ?? -1, message });
    return ERROR;
  }

  #checkSelect(expr: Expr): CelType {
    if (expr.node.kind !== "select") return ERROR;
    const name = qualifiedName(expr);
    const variable = name === undefined ? undefined : this.#lookUp(expr, name);
    if (variable !== undefined) return variable;
    const { operand, field, testOnly } = expr.node;
    const type = this.#fieldType(expr, operand, field, false);
    return testOnly ? BOOL : substitute(this.#known, type, false);
  }

  #fieldType(expr: Expr, operand: Expr, field: string, isOptional: boolean): CelType {
    const operandType = substitute(this.#known, this.check(operand), false);
    const target = unwrapOptional(operandType);
    const type = this.#fieldOf(expr, target.type, field);
    return target.isOptional || isOptional ? optionalOf(type) : type;
  }

  #fieldOf(expr: Expr, type: CelType, field: string): CelType {
    switch (type.kind) {
      case "map":
        return type.params[1]!;
      case "struct":
        return this.#structField(expr.id, type.name, field) ?? ERROR;
      case "param":
        this.#assign(DYN, type);
        return DYN;
      default:
        if (!isDyn(type) && type.kind !== "error") this.#fail(expr.id, `type '${formatType(type)}' does not support field selection`);
        return DYN;
    }
  }

  #structField(id: number, typeName: string, field: string): CelType | undefined {
    const { provider } = this.#environment;
    if (!provider.has(typeName)) {
      this.#fail(id, `unexpected failed resolution of '${typeName}'`);
      return undefined;
    }
    const type = provider.field(typeName, field);
    if (type === undefined) this.#fail(id, `undefined field '${field}'`);
    return type;
  }

  #checkCall(expr: Expr, call: Call): CelType {
    if (call.name === "_?._") return this.#checkOptionalSelect(expr, call);
    for (const arg of call.args) this.check(arg);
    if (call.target === undefined) {
      const name = call.name.startsWith(".") ? call.name.slice(1) : call.name;
      const declaration = this.#environment.functions.get(name);
      if (declaration === undefined) return this.#undeclared(expr, call.name);
      if (name !== call.name) expr.node = { ...call, name };
      return this.#resolve(expr, declaration, undefined, call.args);
    }
    const prefix = qualifiedName(call.target);
    const qualified = prefix === undefined ? undefined : this.#environment.functions.get(`${prefix}.${call.name}`.replace(/^\./, ""));
    if (qualified !== undefined) {
      expr.node = { ...call, name: qualified.name, target: undefined };
      return this.#resolve(expr, qualified, undefined, call.args);
    }
    this.check(call.target);
    const declaration = this.#environment.functions.get(call.name);
    return declaration === undefined ? this.#undeclared(expr, call.name) : this.#resolve(expr, declaration, call.target, call.args);
  }

  #checkOptionalSelect(expr: Expr, { args }: Call): CelType {
    const [operand, field] = args as [Expr, Expr];
    const name = field.node.kind === "literal" ? String(field.node.value) : "";
    const type = substitute(this.#known, this.#fieldType(expr, operand, name, true), false);
    const declaration = this.#environment.functions.get("_?._");
    if (declaration !== undefined) this.#calls.set(expr.id, { declaration, overloads: declaration.overloads });
    return type;
  }

  #resolve(expr: Expr, declaration: FunctionDeclaration, target: Expr | undefined, args: readonly Expr[]): CelType {
    const operands = target === undefined ? args : [target, ...args];
    const types = operands.map(({ id }) => this.#types.get(id) ?? ERROR);
    if (declaration.name === "_&&_" || declaration.name === "_||_") return this.#resolveLogic(expr, declaration, args, types);
    const overloads: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of declaration.overloads) {
      if (overload.isMember !== (target !== undefined)) continue;
      const type = this.#resultOf(overload, types);
      if (type === undefined) continue;
      overloads.push(overload);
      if (result === undefined) result = type;
      else if (!isDyn(result) && !sameType(type, result)) result = DYN;
    }
    if (result === undefined) return this.#noOverload(expr, declaration.name, types, target !== undefined);
    this.#calls.set(expr.id, { declaration, overloads });
    return result;
  }

  #resolveLogic(expr: Expr, declaration: FunctionDeclaration, args: readonly Expr[], types: readonly CelType[]): CelType {
    const wrong = types.map((type, i) => {
      if (this.#assign(type, BOOL)) return false;
      this.#fail(args[i]!.id, `expected type 'bool' but found '${formatType(type)}'`);
      return true;
    });
    if (wrong.includes(true)) return ERROR;
    this.#calls.set(expr.id, { declaration, overloads: declaration.overloads });
    return BOOL;
  }

  #resultOf(overload: Overload, types: readonly CelType[]): CelType | undefined {
    let args = overload.args;
    let result = overload.result;
    const names = new Set([...args, result].flatMap(parametersOf));
    if (names.size > 0) {
      const fresh = new Substitutions([...names].map((name) => [name, this.#newParameter()]));
      args = args.map((type) => substitute(fresh, type, false));
      result = substitute(fresh, result, false);
    }
    const known = assignableAll(this.#known, types, args);
    if (known === undefined) return undefined;
    this.#known = known;
    return substitute(known, result, false);
  }

  #noOverload(expr: Expr, name: string, types: readonly CelType[], isMember: boolean): CelType {
    const shown = types.map((type) => substitute(this.#known, type, true));
    const signature = isMember ? `${formatType(shown[0]!)}.${formatArguments(shown.slice(1))}` : formatArguments(shown);
    return this.#fail(expr.id, `found no matching overload for '${name}' applied to '${signature}'`);
  }

  #checkList(elements: readonly Expr[], optional: ReadonlySet<number>): CelType {
    let joined: CelType | undefined;
    elements.forEach((element, i) => {
      const type = this.check(element);
      joined = this.#join(joined, optional.has(i) ? this.#present(element, type) : type);
    });
    return listOf(joined ?? this.#newParameter());
  }

  #checkMap({ node }: Expr): CelType {
    if (node.kind !== "map") return ERROR;
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of node.entries) {
      key = this.#join(key, this.check(entry.key));
      const type = this.check(entry.value);
      value = this.#join(value, entry.optional ? this.#present(entry.value, type) : type);
    }
    return mapOf(key ?? this.#newParameter(), value ?? this.#newParameter());
  }

  /** The type in an optional element. */
  #present({ id }: Expr, type: CelType): CelType {
    const unwrapped = unwrapOptional(type);
    if (!unwrapped.isOptional && !isDyn(type)) this.#fail(id, `expected type '${formatType(optionalOf(type))}' but found '${formatType(type)}'`);
    return unwrapped.type;
  }

  /** Elements of several types are of any type; the validators tell where they must not be. */
  #join(previous: CelType | undefined, current: CelType): CelType {
    if (previous === undefined) return current;
    return this.#assign(previous, current) ? mostGeneral(previous, current) : DYN;
  }

  #checkStruct(expr: Expr): CelType {
    if (expr.node.kind !== "struct") return ERROR;
    const { typeName: spelled, fields } = expr.node;
    const typeName = spelled.replace(/^\./, "");
    const named = this.#namedType(typeName);
    if (named === undefined) return this.#undeclared(expr, spelled);
    if (named.kind !== "struct") this.#fail(expr.id, `'${typeName}' is not a message type`);
    expr.node = { ...expr.node, typeName };
    for (const { id, name, value, optional } of fields) {
      const found = this.check(value);
      const type = this.#structField(id, typeName, name) ?? ERROR;
      const given = optional ? this.#present(value, found) : found;
      if (this.#assign(type, given)) continue;
      this.#fail(id, `expected type of field '${name}' is '${formatType(type)}' but provided type is '${formatType(given)}'`);
    }
    return named.kind === "struct" ? named : ERROR;
  }

  #checkComprehension(loop: Comprehension): CelType {
    this.check(loop.iterRange);
    const accumulator = this.check(loop.accuInit);
    const range = substitute(this.#known, this.#types.get(loop.iterRange.id)!, false);
    this.#scope = this.#scope.enter([loop.accuVar, accumulator]);
    const outer = this.#scope;
    const [first, second] = this.#loopTypes(loop, range);
    const variables: (readonly [string, CelType])[] = [[loop.iterVar, first]];
    if (loop.iterVar2 !== undefined) variables.push([loop.iterVar2, second]);
    this.#scope = outer.enter(...variables);
    this.#expect(loop.loopCondition, BOOL);
    this.#expect(loop.loopStep, accumulator);
    this.#scope = outer;
    const result = this.check(loop.result);
    this.#scope = outer.parent ?? outer;
    return substitute(this.#known, result, false);
  }

  #loopTypes({ iterRange, iterVar2 }: Comprehension, range: CelType): [CelType, CelType] {
    switch (range.kind) {
      case "list":
        return iterVar2 === undefined ? [range.params[0]!, DYN] : [INT, range.params[0]!];
      case "map":
        return [range.params[0]!, range.params[1]!];
      case "dyn":
      case "error":
      case "param":
        this.#assign(DYN, range);
        return [DYN, DYN];
      default:
        this.#fail(iterRange.id, `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`);
        return [ERROR, ERROR];
    }
  }

  #expect(expr: Expr, type: CelType): void {
    const found = this.check(expr);
    if (!this.#assign(type, found)) this.#fail(expr.id, `expected type '${formatType(type)}' but found '${formatType(found)}'`);
  }

  #assign(type: CelType, target: CelType): boolean {
    const known = assignable(this.#known, type, target);
    if (known !== undefined) this.#known = known;
    return known !== undefined;
  }

  #newParameter(): CelType {
    return param(`_var${this.#made++}`);
  }
}

function parametersOf(type: CelType): string[] {
  return type.kind === "param" ? [type.name] : type.params.flatMap(parametersOf);
}

function literalType(value: Literal): CelType {
  switch (typeof value) {
    case "bigint":
      return INT;
    case "number":
      return DOUBLE;
    case "string":
      return STRING;
    case "boolean":
      return BOOL;
    default:
      return value === null ? NULL : value instanceof Uint8Array ? BYTES : UINT;
  }
}

/** Whether the expression is a variable that a macro made. */
export function isAccumulator(name: string | undefined): boolean {
  return name === ACCUMULATOR || name === "__result__";
}
