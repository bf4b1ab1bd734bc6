import type { Deployment } from "#api/apps-v1/types.ts";

/** How far a rolling update may go above and below `spec.replicas`. */
export interface Fenceposts {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Surge rounds up and unavailable down; where both come to nothing, one pod may be unavailable, so that a rollout can move. */
export function fencepostsOf({ spec }: Deployment): Fenceposts {
  const replicas = replicasOf(spec);
  if (spec.strategy.type === "Recreate") return { maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = scaled(spec.strategy.rollingUpdate?.maxSurge ?? 0, replicas, Math.ceil);
  const unavailable = scaled(spec.strategy.rollingUpdate?.maxUnavailable ?? 0, replicas, Math.floor);
  return { maxSurge, maxUnavailable: Math.min(replicas, maxSurge === 0 && unavailable === 0 ? 1 : unavailable) };
}

/** An absent count means one, as the API defaults it. */
export function replicasOf(spec: { readonly replicas?: number | undefined } | undefined): number {
  return spec?.replicas ?? 1;
}

function scaled(value: number | string, total: number, round: (value: number) => number): number {
  if (typeof value === "number") return value;
  return round((Number.parseInt(value, 10) * total) / 100);
}
