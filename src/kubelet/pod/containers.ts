import { createHash } from "node:crypto";

import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { Container, ContainerRestartRule, EphemeralContainer, Pod } from "#api/core-v1/types.ts";
import type { RuntimeContainer } from "./runtime-pod.ts";

export type ContainerKind = "init" | "main" | "ephemeral";

/** A container of a pod's spec, with the list it stands in. */
export interface PodContainer {
  readonly kind: ContainerKind;
  readonly spec: Container;
}

/** All of a pod's containers: init, main, ephemeral. */
export function containersOf({ spec }: Pick<Pod, "spec">): readonly PodContainer[] {
  return [
    ...(spec.initContainers ?? []).map((container) => ({ kind: "init", spec: container }) as const),
    ...spec.containers.map((container) => ({ kind: "main", spec: container }) as const),
    ...(spec.ephemeralContainers ?? []).map((container) => ({ kind: "ephemeral", spec: asContainer(container) }) as const),
  ];
}

const asContainer = (container: EphemeralContainer): Container => container as EphemeralContainer & Container;

/** The field path by which events name a container. */
export function fieldPathOf({ kind, spec }: PodContainer): string {
  const list = kind === "main" ? "containers" : kind === "init" ? "initContainers" : "ephemeralContainers";
  return `spec.${list}{${spec.name}}`;
}

/**
 * Changes when the container must be replaced: with its image.
 *
 * @see pkg/kubelet/container/helpers.go HashContainer: name and image only, since 1.31
 */
export function containerHash({ name, image }: Container): string {
  return createHash("sha256").update(JSON.stringify({ name, image })).digest("hex").slice(0, 8);
}

/** Whether a container that ended with `exitCode` is to be started again. */
export function restartsAfter(container: Container, pod: Pick<Pod, "spec">, exitCode: number, kind: ContainerKind = "main"): boolean {
  if (kind === "ephemeral") return false;
  const rule = (container.restartPolicyRules ?? []).find((candidate) => ruleMatches(candidate, exitCode));
  if (rule !== undefined) return rule.action === "Restart";
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? "Always";
  // An ordinary init container of an Always pod runs until it succeeds.
  const effective = kind === "init" && !isSidecar(container) && policy === "Always" ? "OnFailure" : policy;
  return effective === "Always" || (effective === "OnFailure" && exitCode !== 0);
}

function ruleMatches({ exitCodes }: ContainerRestartRule, exitCode: number): boolean {
  if (exitCodes === undefined) return false;
  const among = (exitCodes.values ?? []).includes(exitCode);
  return exitCodes.operator === "NotIn" ? !among : among;
}

/** @see pkg/kubelet/container/helpers.go ShouldContainerBeRestarted */
export function shouldStart(container: Container, pod: Pod, run: RuntimeContainer | undefined, kind: ContainerKind = "main"): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  if (run === undefined) return true;
  if (run.state === "running") return false;
  if (run.state !== "exited") return kind !== "ephemeral";
  return restartsAfter(container, pod, run.exitCode, kind);
}
