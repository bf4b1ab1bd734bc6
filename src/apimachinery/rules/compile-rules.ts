import { KUBERNETES } from "#apimachinery/cel/environment.ts";
import { fieldAt } from "#apimachinery/structural/field-path.ts";
import type { JsonSchema, ValidationRule } from "#apimachinery/structural/json-schema.ts";
import { compile, type Compiled, type Program } from "#lib/cel/compile.ts";
import { type Environment, extend } from "#lib/cel/environment.ts";
import type { Estimator } from "#lib/cel/estimate.ts";
import { optionalOf } from "#lib/cel/types.ts";

import { type DeclaredType, MAX_REQUEST_BYTES } from "./declared-type.ts";
import { selfType, sizesOf } from "./type-provider.ts";

/** A rule that is ready to run, or why it is not. Both are missing for an empty rule. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program?: Program;
  readonly fault?: string;
  readonly usesOldSelf: boolean;
  /** What one evaluation may cost. */
  readonly maxCost: number;
  /** How many values such as the rule is about one request can hold. */
  readonly maxCardinality: number;
  readonly message?: CompiledMessage;
  readonly messageFault?: string;
  /** Where an error is told of, from the value on. */
  readonly fieldPath: string;
}

export interface CompiledMessage {
  readonly program: Program;
  readonly maxCost: number;
}

type Expression = Compiled | { readonly kind: "fault"; readonly fault: string; readonly names: ReadonlySet<string> };

/**
 * The rules that stand at one schema, not within it.
 *
 * @see apiextensions-apiserver pkg/apiserver/schema/cel/compilation.go
 */
export function compileRules(schema: JsonSchema, rules: readonly ValidationRule[], declared: DeclaredType): CompiledRule[] {
  if (rules.length === 0) return [];
  const { type, provider } = selfType(declared);
  const base = extend(KUBERNETES, { provider });
  const plain = extend(base, { variables: { self: type, oldSelf: type } });
  const optional = extend(base, { variables: { self: type, oldSelf: optionalOf(type) } });
  const sizes = sizesOf(declared);
  // Somewhere among them there is a comma.
  const maxCardinality = Math.floor(MAX_REQUEST_BYTES / (declared.minSize + 1));
  return rules.map((rule) => compileRule(schema, rule, rule.optionalOldSelf === true ? optional : plain, sizes, maxCardinality));
}

const EMPTY = { usesOldSelf: false, maxCost: 0, maxCardinality: 0, fieldPath: "" };

function compileRule(schema: JsonSchema, rule: ValidationRule, environment: Environment, sizes: Estimator, maxCardinality: number): CompiledRule {
  if ((rule.rule ?? "").trim() === "") return { ...EMPTY, rule };
  const expression = compiledAs("bool", rule.rule, environment, { name: "cel expression", prefix: "" });
  if (expression.kind === "fault") return { ...EMPTY, rule, fault: expression.fault, usesOldSelf: expression.names.has("oldSelf") };
  const usesOldSelf = expression.names.has("oldSelf");
  const ready = { rule, program: expression.program, usesOldSelf, maxCost: expression.estimate(sizes).max, maxCardinality };
  const { messageExpression = "" } = rule;
  const message = messageExpression === "" ? undefined : compiledAs("string", messageExpression, environment, MESSAGE);
  if (message?.kind === "fault") return { ...ready, messageFault: message.fault, fieldPath: "" };
  return {
    ...ready,
    ...(message !== undefined && { message: { program: message.program, maxCost: message.estimate(sizes).max } }),
    fieldPath: normalPath(rule.fieldPath ?? "", schema),
  };
}

const MESSAGE = { name: "messageExpression", prefix: "messageExpression " };

function compiledAs(kind: "bool" | "string", text: string, environment: Environment, { name, prefix }: typeof MESSAGE): Expression {
  const compiled = compile(text, environment);
  const fault = (why: string, names: ReadonlySet<string> = new Set()): Expression => ({ kind: "fault", fault: why, names });
  if (compiled.kind === "failure" && compiled.isConstant === true) {
    return fault(`${prefix === "" ? "program " : prefix}instantiation failed: ${compiled.message}`, compiled.names);
  }
  if (compiled.kind === "failure") return fault(`${prefix}compilation failed: ${compiled.message}`);
  return compiled.type.kind === kind ? compiled : fault(`${name} must evaluate to a ${kind}`);
}

function normalPath(path: string, schema: JsonSchema): string {
  const found = path === "" ? undefined : fieldAt(path, schema);
  return found === undefined || "fault" in found ? "" : found.path;
}
