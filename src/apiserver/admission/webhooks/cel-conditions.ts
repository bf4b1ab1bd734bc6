import { admissionEnvironment, compileExpression, type Expression } from "#api/admissionregistration-v1/expressions.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { OutOfBudget } from "#apiserver/admission/policies/evaluation.ts";
import { conditionsFault } from "#apiserver/admission/policies/policy.ts";
import { type ActivationDeps, activationOf } from "#apiserver/admission/policies/activation.ts";
import type { HookConditions } from "#apiserver/admission/webhooks/conditions.ts";
import type { Hook } from "#apiserver/admission/webhooks/hook.ts";
import { BOOL } from "#lib/cel/types.ts";

/** Match conditions, in the language of policies. */
export function celConditions(deps: ActivationDeps): HookConditions {
  const compiled = new WeakMap<Hook, readonly Expression[]>();
  const expressionsOf = (hook: Hook) => {
    let known = compiled.get(hook);
    if (known === undefined) {
      const environment = admissionEnvironment({ hasParams: false, hasAuthorizer: true });
      known = hook.conditions.map(({ expression }) => compileExpression(expression, environment, [BOOL]));
      compiled.set(hook, known);
    }
    return known;
  };
  return {
    hold(hook, { attributes, as }) {
      const outcome = outcomeOf(() => conditionsFault(expressionsOf(hook), activationOf(attributes, as, undefined, deps)));
      if (typeof outcome === "boolean") return outcome;
      if (hook.failsOpen) return false;
      const { group, plural } = attributes.resource;
      throw statusError.forbidden({ group, resource: plural }, attributes.name, outcome);
    },
  };
}

function outcomeOf(evaluate: () => boolean | string): boolean | string {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof OutOfBudget) return error.message;
    throw error;
  }
}
