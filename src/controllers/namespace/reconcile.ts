import type { Namespace, NamespaceCondition } from "#api/core-v1/types.ts";
import type { Resource } from "#api/resources.ts";
import { formatTime } from "#lib/clock.ts";

/** What is left of one resource in a namespace after its objects were deleted. */
export interface Remaining {
  readonly resource: Resource;
  readonly count: number;
  /** How many of them wait for each finalizer. */
  readonly finalizers: Readonly<Record<string, number>>;
}

export interface Outcome {
  readonly remaining: readonly Remaining[];
  readonly errors: readonly Error[];
  /** Group versions that may hold something, and nobody says what. */
  readonly undiscovered?: readonly string[];
}

/** The conditions that tell how far a namespace's deletion has come. */
export function deletionConditions({ status }: Namespace, { remaining, errors, undiscovered = [] }: Outcome, nowMs: number): readonly NamespaceCondition[] {
  const left = remaining.filter(({ count }) => count > 0);
  const instances = left.map(({ resource, count }) => `${resource.plural}.${resource.group} has ${count} resource instances`).sort();
  const finalizers = countFinalizers(left).map(([name, count]) => `${name} in ${count} resource instances`);
  const failures = errors.map(({ message }) => message).sort();
  const told: readonly (readonly [type: string, problem: string | undefined, reason: string, okReason: string, okMessage: string])[] = [
    ["NamespaceDeletionDiscoveryFailure", discoveryFailure(undiscovered), "DiscoveryFailed", "ResourcesDiscovered", "All resources successfully discovered"],
    ["NamespaceDeletionGroupVersionParsingFailure", undefined, "GroupVersionParsingFailed", "ParsedGroupVersions", "All legacy kube types successfully parsed"],
    [
      "NamespaceDeletionContentFailure",
      failures.length > 0 ? `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(", ")}` : undefined,
      "ContentDeletionFailed",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ],
    [
      "NamespaceContentRemaining",
      instances.length > 0 ? `Some resources are remaining: ${instances.join(", ")}` : undefined,
      "SomeResourcesRemain",
      "ContentRemoved",
      "All content successfully removed",
    ],
    [
      "NamespaceFinalizersRemaining",
      finalizers.length > 0 ? `Some content in the namespace has finalizers remaining: ${finalizers.join(", ")}` : undefined,
      "SomeFinalizersRemain",
      "ContentHasNoFinalizers",
      "All content-preserving finalizers finished",
    ],
  ];
  const before = status?.conditions ?? [];
  const fresh = told.map(([type, problem, reason, okReason, okMessage]): NamespaceCondition => {
    const is = problem === undefined ? "False" : "True";
    const condition = { type, status: is, reason: problem === undefined ? okReason : reason, message: problem ?? okMessage };
    const old = before.find((candidate) => candidate.type === type);
    return { ...condition, lastTransitionTime: old?.status === is ? old.lastTransitionTime : formatTime(nowMs) };
  });
  return [...before.filter(({ type }) => !fresh.some((condition) => condition.type === type)), ...fresh];
}

function discoveryFailure(undiscovered: readonly string[]): string | undefined {
  if (undiscovered.length === 0) return undefined;
  const each = undiscovered.toSorted().map((name) => `${name}: stale GroupVersion discovery: ${name}`);
  return `Discovery failed for some groups, ${each.length} failing: unable to retrieve the complete list of server APIs: ${each.join(", ")}`;
}

export function isEmpty({ remaining, errors, undiscovered = [] }: Outcome): boolean {
  return undiscovered.length === 0 && errors.length === 0 && remaining.every(({ count }) => count === 0);
}

function countFinalizers(left: readonly Remaining[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { finalizers } of left) for (const [name, count] of Object.entries(finalizers)) counts.set(name, (counts.get(name) ?? 0) + count);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
