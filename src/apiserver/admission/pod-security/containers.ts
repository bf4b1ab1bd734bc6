import type { Container, EphemeralContainer, PodSpec } from "#api/core-v1/types.ts";

export type AnyContainer = Pick<
  Container | EphemeralContainer,
  "name" | "securityContext" | "ports" | "livenessProbe" | "readinessProbe" | "startupProbe" | "lifecycle"
>;

export function allContainers(spec: PodSpec): readonly AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

export const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(", ");

export const plural = (one: string, many: string, count: number): string => (count === 1 ? one : many);

/** `container "c"`, `containers "c", "d"`. */
export const named = (containers: readonly { readonly name: string }[], kind = "container"): string =>
  `${plural(kind, `${kind}s`, containers.length)} ${quoted(containers.map(({ name }) => name))}`;

/** Who set something: the pod, some containers, or both. */
export function setters(pod: boolean, containers: readonly { readonly name: string }[]): string | undefined {
  const all = [...(pod ? ["pod"] : []), ...(containers.length > 0 ? [named(containers)] : [])];
  return all.length === 0 ? undefined : all.join(" and ");
}
