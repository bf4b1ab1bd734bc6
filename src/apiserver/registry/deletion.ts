import type { Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { ObjectMeta } from "#apimachinery/meta-v1/types.ts";
import type { DeleteOptions } from "#apiserver/registry/options.ts";
import { formatTime } from "#lib/clock.ts";

/** What a delete does. */
export type DeletionPlan =
  | { readonly kind: "remove" }
  /** Write `object`; with `thenRemove`, take it out right after. */
  | { readonly kind: "update"; readonly object: KubeObject; readonly thenRemove: boolean }
  /** A delete with at least this grace is under way already. */
  | { readonly kind: "pending" };

const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";

/**
 * Decides on grace and finalizers.
 *
 * @see apiserver pkg/registry/rest/delete.go, pkg/registry/generic/registry/store.go
 */
export function planDeletion(object: KubeObject, options: DeleteOptions, strategy: Strategy, nowMs: number): DeletionPlan {
  const grace = gracefulStep(object, options, strategy, nowMs);
  if (grace === "pending") return { kind: "pending" };
  const { metadata } = object;
  const finalizers = finalizersFor(metadata, options, strategy);
  const changed = !sameSet(finalizers, metadata.finalizers ?? []);
  const next: ObjectMeta = changed ? withFinalizers({ ...metadata, ...grace }, finalizers) : { ...metadata, ...grace };
  const waiting = (next.finalizers?.length ?? 0) > 0;
  if (grace !== undefined) {
    return { kind: "update", object: { ...object, metadata: next }, thenRemove: !waiting && next.deletionGracePeriodSeconds === 0 };
  }
  if (!waiting) return { kind: "remove" };
  return { kind: "update", object: { ...object, metadata: { ...next, ...marked(metadata, nowMs) } }, thenRemove: false };
}

type MetaChange = Pick<ObjectMeta, "deletionTimestamp" | "deletionGracePeriodSeconds" | "generation">;

/** The change that graceful deletion makes; `undefined` when the object goes without grace. */
function gracefulStep({ metadata, ...rest }: KubeObject, options: DeleteOptions, strategy: Strategy, nowMs: number): MetaChange | "pending" | undefined {
  if (strategy.gracePeriodSeconds === undefined) return undefined;
  const asked = options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds;
  if (metadata.deletionTimestamp !== undefined) return shortened(metadata, metadata.deletionTimestamp, asked, nowMs);
  const seconds = strategy.gracePeriodSeconds({ metadata, ...rest }, asked);
  if (seconds === undefined) return undefined;
  return {
    deletionTimestamp: formatTime(nowMs + seconds * 1000),
    deletionGracePeriodSeconds: seconds,
    ...((metadata.generation ?? 0) > 0 && { generation: metadata.generation! + 1 }),
  };
}

/** A grace period that runs can only be shortened, and not into the past. */
function shortened(metadata: ObjectMeta, deletionTimestamp: string, asked: number | undefined, nowMs: number): MetaChange | "pending" | undefined {
  const running = metadata.deletionGracePeriodSeconds ?? 0;
  if (running === 0) return undefined;
  if (asked === undefined || asked >= running) return "pending";
  const moved = Date.parse(deletionTimestamp) + (asked - running) * 1000;
  if (moved >= nowMs) return { deletionTimestamp: formatTime(moved), deletionGracePeriodSeconds: asked };
  return { deletionTimestamp: formatTime(nowMs), deletionGracePeriodSeconds: asked === 0 ? 0 : 1 };
}

function marked(metadata: ObjectMeta, nowMs: number): MetaChange {
  const { deletionTimestamp, generation } = metadata;
  const now = formatTime(nowMs);
  return {
    deletionTimestamp: deletionTimestamp === undefined || Date.parse(deletionTimestamp) > nowMs ? now : deletionTimestamp,
    deletionGracePeriodSeconds: 0,
    ...(deletionTimestamp === undefined && (generation ?? 0) > 0 && { generation: generation! + 1 }),
  };
}

/** The object's finalizers, with those that the propagation policy adds or takes away. */
export function finalizersFor(metadata: ObjectMeta, options: DeleteOptions, strategy: Strategy): readonly string[] {
  const existing = metadata.finalizers ?? [];
  const kept = existing.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  const policy = propagation(existing, options, strategy);
  return policy === "Orphan" ? [...kept, ORPHAN] : policy === "Foreground" ? [...kept, FOREGROUND] : kept;
}

/** The first that says something: options, the object's finalizers, the kind. */
function propagation(existing: readonly string[], options: DeleteOptions, strategy: Strategy): "Orphan" | "Foreground" | "Background" {
  if (strategy.defaultDeletion === "unsupported") return "Background";
  if (options.orphanDependents !== undefined) return options.orphanDependents ? "Orphan" : "Background";
  const { propagationPolicy: policy } = options;
  if (policy === "Orphan" || policy === "Foreground" || policy === "Background") return policy;
  for (const finalizer of existing) {
    if (finalizer === ORPHAN) return "Orphan";
    if (finalizer === FOREGROUND) return "Foreground";
  }
  return strategy.defaultDeletion === "orphan" ? "Orphan" : "Background";
}

function withFinalizers(metadata: ObjectMeta, finalizers: readonly string[]): ObjectMeta {
  if (finalizers.length > 0) return { ...metadata, finalizers };
  const { finalizers: _gone, ...rest } = metadata;
  return rest;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value) => b.includes(value));
}
