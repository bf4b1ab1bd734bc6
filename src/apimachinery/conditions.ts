interface ConditionLike {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string | null | undefined;
}

export function findCondition<C extends ConditionLike>(conditions: readonly C[] | null | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly ConditionLike[] | null | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === "True";
}

/**
 * The conditions with `condition` put in the place of the one of its type, or at the end. The time of the transition stays
 * while the status does.
 */
export function withCondition<C extends ConditionLike>(conditions: readonly C[] | null | undefined, condition: C): readonly C[] {
  const old = findCondition(conditions, condition.type);
  if (old === undefined) return [...(conditions ?? []), condition];
  const kept = old.status === condition.status && old.lastTransitionTime ? { ...condition, lastTransitionTime: old.lastTransitionTime } : condition;
  return conditions!.map((one) => (one === old ? kept : one));
}

export function withoutCondition<C extends ConditionLike>(conditions: readonly C[] | null | undefined, type: string): readonly C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
