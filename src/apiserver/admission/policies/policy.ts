import type { Validation, ValidatingAdmissionPolicy, Variable } from "#api/admissionregistration-v1/types.ts";
import { admissionEnvironment, compileExpression, type Expression } from "#api/admissionregistration-v1/expressions.ts";
import { MATCH_CONDITIONS_COST_BUDGET, MAX_MESSAGE_BYTES, RUNTIME_COST_BUDGET } from "#apimachinery/cel/environment.ts";
import { Budget, evaluate, LazyVariables, OutOfBudget } from "#apiserver/admission/policies/evaluation.ts";
import type { Activation } from "#lib/cel/compile.ts";
import { BOOL, type CelType, NULL, STRING } from "#lib/cel/types.ts";
import { Failure } from "#lib/cel/values.ts";

interface CompiledValidation {
  readonly validation: Validation;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

/** A policy whose expressions are ready. */
export interface CompiledPolicy {
  readonly failsOpen: boolean;
  readonly conditions: readonly Expression[];
  readonly variables: ReadonlyMap<string, Expression>;
  readonly validations: readonly CompiledValidation[];
  readonly annotations: readonly { readonly key: string; readonly expression: Expression }[];
}

export function compilePolicy({ spec }: ValidatingAdmissionPolicy): CompiledPolicy {
  const hasParams = spec.paramKind !== undefined;
  const { variables, types } = compileVariables(spec.variables, hasParams);
  const own = variables.size > 0 ? types : undefined;
  const asking = admissionEnvironment({ hasParams, hasAuthorizer: true, variables: own });
  const telling = admissionEnvironment({ hasParams, hasAuthorizer: false, variables: own });
  return {
    failsOpen: spec.failurePolicy === "Ignore",
    conditions: (spec.matchConditions ?? []).map(({ expression }) =>
      compileExpression(expression, admissionEnvironment({ hasParams, hasAuthorizer: true }), [BOOL]),
    ),
    variables,
    validations: (spec.validations ?? []).map((validation) => ({
      validation,
      expression: compileExpression(validation.expression, asking, [BOOL]),
      message: validation.messageExpression ? compileExpression(validation.messageExpression, telling, [STRING]) : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      expression: compileExpression(valueExpression, asking, [STRING, NULL]),
    })),
  };
}

/** Each variable may use those before it. */
export function compileVariables(
  declared: readonly Variable[] = [],
  hasParams: boolean,
): { readonly variables: ReadonlyMap<string, Expression>; readonly types: ReadonlyMap<string, CelType> } {
  const variables = new Map<string, Expression>();
  const types = new Map<string, CelType>();
  for (const { name, expression } of declared) {
    const compiled = compileExpression(expression, admissionEnvironment({ hasParams, hasAuthorizer: true, variables: types }), []);
    variables.set(name, compiled);
    types.set(name, compiled.type);
  }
  return { variables, types };
}

/** What a policy has to say of one request. */
export interface Findings {
  /** In the order of the validations; `index` is their place. */
  readonly denials: readonly { readonly index: number; readonly message: string; readonly reason: string }[];
  /** For the audit log. */
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** Annotations that could not be made, where that refuses the request. */
  readonly faults: readonly string[];
}

const NOTHING: Findings = { denials: [], annotations: [], faults: [] };
const INVALID = "Invalid";

/** @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go Validate */
export function validate(policy: CompiledPolicy, activation: Activation): Findings {
  const refused = (message: string): Findings => (policy.failsOpen ? NOTHING : { ...NOTHING, denials: [{ index: 0, message, reason: INVALID }] });
  try {
    const unmet = conditionsFault(policy.conditions, activation);
    if (unmet === false) return NOTHING;
    if (unmet !== true) return refused(unmet);
    const denials = denialsOf(policy, activation);
    return { denials, ...annotationsOf(policy, activation) };
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    return refused(error.message);
  }
}

/**
 * Whether all conditions hold; why that is not known.
 *
 * @throws {OutOfBudget}
 */
export function conditionsFault(conditions: readonly Expression[], activation: Activation): boolean | string {
  const budget = new Budget(MATCH_CONDITIONS_COST_BUDGET);
  const values = conditions.map((condition) => evaluate(condition, activation, budget));
  if (values.includes(false)) return false;
  const faults = values.flatMap((value) => (value instanceof Failure ? [value.message] : []));
  return faults.length === 0 ? true : faults.length === 1 ? faults[0]! : `[${faults.join(", ")}]`;
}

export function withVariables(variables: ReadonlyMap<string, Expression>, activation: Activation, budget: Budget): Activation {
  return variables.size === 0 ? activation : { ...activation, variables: new LazyVariables(variables, activation, budget) };
}

function denialsOf(policy: CompiledPolicy, activation: Activation): Findings["denials"] {
  const budget = new Budget(RUNTIME_COST_BUDGET);
  const own = withVariables(policy.variables, activation, budget);
  const results = policy.validations.map(({ expression }) => evaluate(expression, own, budget));
  return policy.validations.flatMap((each, index) => {
    const result = results[index];
    if (result === true) return [];
    if (result instanceof Failure) return policy.failsOpen ? [] : [{ index, message: result.message, reason: INVALID }];
    return [{ index, message: messageOf(each, own, budget), reason: each.validation.reason ?? INVALID }];
  });
}

function messageOf({ validation, message }: CompiledValidation, activation: Activation, budget: Budget): string {
  const value = message === undefined ? undefined : evaluate(message, activation, budget);
  const text = typeof value === "string" ? value.trim() : "";
  if (text !== "" && !text.includes("\n") && Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) return text;
  return validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
}

function annotationsOf(policy: CompiledPolicy, activation: Activation): Pick<Findings, "annotations" | "faults"> {
  const budget = new Budget(RUNTIME_COST_BUDGET);
  const own = withVariables(policy.variables, activation, budget);
  const annotations: Findings["annotations"][number][] = [];
  const faults: string[] = [];
  for (const { key, expression } of policy.annotations) {
    const value = evaluate(expression, own, budget);
    if (typeof value === "string" && value.trim() !== "") annotations.push({ key, value: value.trim() });
    if (value instanceof Failure && !policy.failsOpen) faults.push(value.message);
  }
  return { annotations, faults };
}
