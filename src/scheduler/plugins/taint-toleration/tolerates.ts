import type { Taint, Toleration } from "#api/core-v1/types.ts";

type TaintLike = Pick<Taint, "key" | "effect"> & { readonly value?: string | undefined };

/**
 * Whether a toleration covers a taint; an empty key with `Exists` covers all, an empty effect every effect.
 *
 * @see k8s.io/api core/v1/toleration.go
 */
export function tolerates({ key, operator, value, effect }: Toleration, taint: TaintLike): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === "Exists") return true;
  if (operator === "Lt" || operator === "Gt") return compares(operator, taint.value ?? "", value ?? "");
  return Boolean(key) && (value ?? "") === (taint.value ?? "");
}

/** `Gt`: the taint's number is above the toleration's. Only canonical decimal integers compare. */
function compares(operator: "Lt" | "Gt", taintValue: string, tolerated: string): boolean {
  const [taint, limit] = [integer(taintValue), integer(tolerated)];
  if (taint === undefined || limit === undefined) return false;
  return operator === "Gt" ? taint > limit : taint < limit;
}

function integer(text: string): bigint | undefined {
  return /^(0|-?[1-9]\d*)$/.test(text) ? BigInt(text) : undefined;
}
