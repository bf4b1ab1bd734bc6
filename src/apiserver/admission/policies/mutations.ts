import { admissionEnvironment, compileExpression, type Expression } from "#api/admissionregistration-v1/expressions.ts";
import type { MutatingAdmissionPolicy } from "#api/admissionregistration-v1beta1/types.ts";
import { APPLY_OBJECT, JSON_PATCH } from "#apimachinery/cel/patch-types.ts";
import { RUNTIME_COST_BUDGET } from "#apimachinery/cel/environment.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import { overlay, OverlayError } from "#apimachinery/managed-fields/index.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import { Budget, evaluate, OutOfBudget } from "#apiserver/admission/policies/evaluation.ts";
import { configurationOf, MutationFault, operationsOf, withOperations } from "#apiserver/admission/policies/patch-values.ts";
import { compileVariables, conditionsFault, withVariables } from "#apiserver/admission/policies/policy.ts";
import type { Activation } from "#lib/cel/compile.ts";
import { BOOL, listOf } from "#lib/cel/types.ts";
import { Failure, type Value } from "#lib/cel/values.ts";

interface CompiledMutation {
  readonly kind: "ApplyConfiguration" | "JSONPatch";
  readonly expression: Expression;
}

/** A policy whose expressions are ready. */
export interface CompiledMutations {
  readonly failsOpen: boolean;
  readonly isReinvoked: boolean;
  readonly conditions: readonly Expression[];
  readonly variables: ReadonlyMap<string, Expression>;
  readonly mutations: readonly CompiledMutation[];
}

export function compileMutations({ spec }: MutatingAdmissionPolicy): CompiledMutations {
  const hasParams = spec.paramKind !== undefined;
  const { variables, types } = compileVariables(spec.variables, hasParams);
  const environment = admissionEnvironment({ hasParams, hasAuthorizer: true, hasPatches: true, variables: variables.size > 0 ? types : undefined });
  const plain = admissionEnvironment({ hasParams, hasAuthorizer: true });
  return {
    failsOpen: spec.failurePolicy === "Ignore",
    isReinvoked: spec.reinvocationPolicy === "IfNeeded",
    conditions: (spec.matchConditions ?? []).map(({ expression }) => compileExpression(expression, plain, [BOOL])),
    variables,
    mutations: (spec.mutations ?? []).map(({ applyConfiguration, jsonPatch }): CompiledMutation => {
      const [kind, text, type] = jsonPatch
        ? (["JSONPatch", jsonPatch.expression, listOf(JSON_PATCH)] as const)
        : (["ApplyConfiguration", applyConfiguration?.expression, APPLY_OBJECT] as const);
      return { kind, expression: compileExpression(text ?? "", environment, [type]) };
    }),
  };
}

/**
 * Whether the policy is about the request at all.
 *
 * @throws {MutationFault} when that cannot be told
 */
export function isMeant({ conditions, failsOpen }: CompiledMutations, activation: Activation): boolean {
  const outcome = asFault(() => conditionsFault(conditions, activation));
  if (typeof outcome === "boolean") return outcome;
  if (failsOpen) return false;
  throw new MutationFault(outcome);
}

/**
 * The object as a mutation makes it.
 *
 * @throws {MutationFault}
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch
 */
export function mutated(
  policy: CompiledMutations,
  { kind, expression }: CompiledMutation,
  object: JsonObject,
  schema: StructSchema,
  activation: Activation,
): unknown {
  const value = asFault(() => resultOf(policy, expression, activation));
  if (kind === "JSONPatch") return withOperations(object, operationsOf(value));
  const { apiVersion, kind: own } = object;
  const config = { ...configurationOf(value), apiVersion, kind: own };
  try {
    return overlay(schema, object, config);
  } catch (error) {
    if (error instanceof OverlayError) throw new MutationFault(`error applying patch: ${error.message}`);
    throw error;
  }
}

function resultOf(policy: CompiledMutations, expression: Expression, activation: Activation): Value {
  if (expression.program === undefined) throw new MutationFault(expression.fault);
  const budget = new Budget(RUNTIME_COST_BUDGET);
  const value = evaluate(expression, withVariables(policy.variables, activation, budget), budget);
  if (value instanceof Failure) throw new MutationFault(value.message);
  return value;
}

function asFault<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof OutOfBudget) throw new MutationFault(error.message);
    throw error;
  }
}
