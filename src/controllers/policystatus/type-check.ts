import { admissionEnvironment } from "#api/admissionregistration-v1/expressions.ts";
import type { ExpressionWarning, ValidatingAdmissionPolicy, Variable } from "#api/admissionregistration-v1/types.ts";
import type { DeclaredType } from "#apimachinery/rules/declared-type.ts";
import { selfType } from "#apimachinery/rules/type-provider.ts";
import { compile } from "#lib/cel/compile.ts";
import type { Environment, TypeProvider } from "#lib/cel/environment.ts";
import { type CelType, DYN } from "#lib/cel/types.ts";

import { kindType, type KindSchema } from "./kind-types.ts";

/** A kind that a policy is about, and what is known of its objects. */
export interface CheckedKind {
  /** `apps/v1, Kind=Deployment` */
  readonly name: string;
  readonly schema: KindSchema;
}

/**
 * What in a policy's expressions does not go with the kinds that it is about.
 *
 * @param params what its parameters are, where that is known
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go
 */
export function typeWarnings({ spec }: ValidatingAdmissionPolicy, kinds: readonly CheckedKind[], params: KindSchema | undefined): ExpressionWarning[] {
  const given = params && kindType(params);
  const environments = kinds.flatMap(({ name, schema }) => {
    const type = kindType(schema);
    return type === undefined ? [] : [{ name, environment: environmentFor(type, given, spec.variables ?? []) }];
  });
  const warningOf = (expression: string | undefined, fieldRef: string): ExpressionWarning[] => {
    const faults = environments.flatMap(({ name, environment }) => {
      const fault = expression ? faultOf(expression, environment) : undefined;
      return fault === undefined ? [] : [`${name}: ${fault}\n`];
    });
    return faults.length === 0 ? [] : [{ fieldRef, warning: faults.join("\n") }];
  };
  return (spec.validations ?? []).flatMap(({ expression, messageExpression }, i) => [
    ...warningOf(expression, `spec.validations[${i}].expression`),
    ...warningOf(messageExpression, `spec.validations[${i}].messageExpression`),
  ]);
}

function environmentFor(object: DeclaredType, params: DeclaredType | undefined, variables: readonly Variable[]): Environment {
  const own = selfType(object, "Object1");
  const given = params && selfType(params, "Params1");
  const typed = { object: own.type, params: given?.type, provider: joined(own.provider, given?.provider) };
  const known = new Map<string, CelType>();
  const environment = () => admissionEnvironment({ hasParams: given !== undefined, hasAuthorizer: true, variables: known, typed });
  for (const { name, expression } of variables) {
    const compiled = compile(expression, environment());
    known.set(name, compiled.kind === "failure" ? DYN : compiled.type);
  }
  return environment();
}

/** Only what the checker finds: whether the expression could be run is no question of types. */
function faultOf(expression: string, environment: Environment): string | undefined {
  const compiled = compile(expression, environment);
  return compiled.kind === "failure" && compiled.issues.some(({ offset }) => offset >= 0) ? compiled.message : undefined;
}

function joined(one: TypeProvider, other: TypeProvider | undefined): TypeProvider {
  if (other === undefined) return one;
  return { has: (name) => one.has(name) || other.has(name), field: (name, field) => (one.has(name) ? one : other).field(name, field) };
}
