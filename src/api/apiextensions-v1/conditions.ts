import { approvalOf, isProtectedGroup } from "#api/apiextensions-v1/approval.ts";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition as Condition,
  CustomResourceDefinitionNames as Names,
  CustomResourceDefinitionStatus as Status,
} from "#api/apiextensions-v1/types.ts";

type Definition = CustomResourceDefinition;
type NewCondition = Omit<Condition, "lastTransitionTime">;

/** Holds a definition until its objects are gone. */
export const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

const TRUE = "True";
const FALSE = "False";

export function conditionOf({ status }: Definition, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export const isTrue = (definition: Definition, type: string): boolean => conditionOf(definition, type)?.status === TRUE;

/** @param now as a Kubernetes time */
export function withCondition(conditions: readonly Condition[], given: NewCondition, now: string): readonly Condition[] {
  const known = conditions.find(({ type }) => type === given.type);
  if (known === undefined) return [...conditions, ordered(given, now)];
  const lastTransitionTime = known.status === given.status && known.lastTransitionTime !== undefined ? known.lastTransitionTime : now;
  return conditions.map((condition) => (condition === known ? ordered(given, lastTransitionTime) : condition));
}

const ordered = ({ type, status, reason, message }: NewCondition, lastTransitionTime: string): Condition => ({
  type,
  status,
  lastTransitionTime,
  reason,
  message,
});

/** A definition that is to be deleted, with its finalizer. */
export function markedForCleanup(definition: Definition, now: string): Definition {
  const { metadata, status } = definition;
  const finalizers = metadata.finalizers ?? [];
  const message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
  return {
    ...definition,
    metadata: { ...metadata, deletionTimestamp: now, finalizers: finalizers.includes(CLEANUP_FINALIZER) ? finalizers : [...finalizers, CLEANUP_FINALIZER] },
    status: {
      ...status,
      conditions: withCondition(status?.conditions ?? [], { type: "Terminating", status: TRUE, reason: "InstanceDeletionPending", message }, now),
    },
  };
}

/**
 * The status of a definition beside its neighbours: which names it has, and whether it is served.
 *
 * @param others the other definitions of its group
 * @returns the same status when nothing changes
 * @see apiextensions-apiserver pkg/controller/status/naming_controller.go
 */
export function namingStatus(definition: Definition, others: readonly Definition[], now: string): Status {
  const { spec, status } = definition;
  const { acceptedNames, conflict } = accepted(spec.names, status.acceptedNames ?? { plural: "", kind: "" }, others);
  const isAccepted = conflict === undefined;
  const named: NewCondition = isAccepted
    ? { type: "NamesAccepted", status: TRUE, reason: "NoConflicts", message: "no conflicts found" }
    : { type: "NamesAccepted", status: FALSE, ...conflict };
  let conditions = withCondition(status.conditions ?? [], named, now);
  if (!isTrue(definition, "Established")) {
    const established: NewCondition = isAccepted
      ? { type: "Established", status: TRUE, reason: "InitialNamesAccepted", message: "the initial names have been accepted" }
      : { type: "Established", status: FALSE, reason: "NotAccepted", message: "not all names are accepted" };
    conditions = withCondition(conditions, established, now);
  }
  if (isProtectedGroup(spec.group)) conditions = withCondition(conditions, approvalCondition(definition), now);
  const next: Status = { ...status, conditions, acceptedNames };
  return JSON.stringify(next) === JSON.stringify(status) ? status : next;
}

function approvalCondition(definition: Definition): NewCondition {
  const { state, reason: message } = approvalOf(definition);
  const reasons = { approved: "ApprovedAnnotation", bypassed: "UnapprovedAnnotation", missing: "MissingAnnotation", invalid: "InvalidAnnotation" } as const;
  return { type: "KubernetesAPIApprovalPolicyConformant", status: state === "approved" ? TRUE : FALSE, reason: reasons[state], message };
}

interface Conflict {
  readonly reason: string;
  readonly message: string;
}

function accepted(wanted: Names, current: Names, others: readonly Definition[]): { acceptedNames: Names; conflict: Conflict | undefined } {
  const names = others.map(({ status }) => status?.acceptedNames ?? { plural: "", kind: "" });
  const resources = new Set(names.flatMap(({ plural, singular = "", shortNames = [] }) => [plural, singular, ...shortNames]));
  const kinds = new Set(names.flatMap(({ kind, listKind = "" }) => [kind, listKind]));
  const next: { -readonly [K in keyof Names]: Names[K] } = { ...current };
  let conflict: Conflict | undefined;
  const clash = (reason: string, name: string) => (conflict = { reason, message: `${JSON.stringify(name)} is already in use` });
  const isTaken = (name: string, own: string | undefined, used: ReadonlySet<string>) => name !== own && used.has(name);
  if (isTaken(wanted.plural, current.plural, resources)) clash("PluralConflict", wanted.plural);
  else next.plural = wanted.plural;
  if (isTaken(wanted.singular ?? "", current.singular, resources)) clash("SingularConflict", wanted.singular!);
  else if (wanted.singular !== undefined) next.singular = wanted.singular;
  const taken = (wanted.shortNames ?? []).filter((name) => current.shortNames?.includes(name) !== true && resources.has(name));
  if (taken.length > 0) clash("ShortNamesConflict", taken[0]!);
  else if (wanted.shortNames !== undefined) next.shortNames = wanted.shortNames;
  else delete next.shortNames;
  if (isTaken(wanted.kind, current.kind, kinds)) clash("KindConflict", wanted.kind);
  else next.kind = wanted.kind;
  if (isTaken(wanted.listKind ?? "", current.listKind, kinds)) clash("ListKindConflict", wanted.listKind!);
  else if (wanted.listKind !== undefined) next.listKind = wanted.listKind;
  if (wanted.categories !== undefined) next.categories = wanted.categories;
  else delete next.categories;
  return { acceptedNames: inOrder(next), conflict };
}

const inOrder = ({ plural, singular, shortNames, kind, listKind, categories }: Names): Names => ({
  plural,
  ...(singular !== undefined && { singular }),
  ...(shortNames !== undefined && { shortNames }),
  kind,
  ...(listKind !== undefined && { listKind }),
  ...(categories !== undefined && { categories }),
});
