import { markedForCleanup } from "#api/apiextensions-v1/conditions.ts";
import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { Status } from "#apimachinery/meta-v1/types.ts";
import { isStatus, statusError } from "#apimachinery/status-error.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import { conversionOf, storedForm, viewable } from "#apiserver/registry/conversion.ts";
import { finalizersFor, planDeletion } from "#apiserver/registry/deletion.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { DeleteOptions, ListOptions } from "#apiserver/registry/options.ts";
import type { ListOutcome, ObjectOutcome } from "#apiserver/registry/outcome.ts";
import { listObjects } from "#apiserver/registry/read.ts";
import { storageKey } from "#apiserver/registry/resource-table.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import type { RequestContext } from "#apiserver/registry/types.ts";
import { formatTime } from "#lib/clock.ts";

/** A delete, its options checked. */
export interface DeleteTarget {
  readonly served: ServedResource;
  readonly namespace: string;
  readonly name: string;
  readonly options: DeleteOptions;
  readonly context: RequestContext;
  /** Whether the request that asks for this has been admitted already: an eviction. */
  readonly isAdmitted?: boolean;
}

const MAX_ATTEMPTS = 64;

/** Kinds whose delete answers with the object, not with a Status. */
const RETURNS_OBJECT = new Set([
  "/Namespace",
  "/PersistentVolume",
  "/PersistentVolumeClaim",
  "/Pod",
  "/PodTemplate",
  "/ResourceQuota",
  "/Service",
  "/ServiceAccount",
  "resource.k8s.io/DeviceClass",
  "resource.k8s.io/ResourceClaim",
  "resource.k8s.io/ResourceClaimTemplate",
  "resource.k8s.io/ResourceSlice",
  "storage.k8s.io/CSIDriver",
  "storage.k8s.io/CSINode",
  "storage.k8s.io/StorageClass",
  "storage.k8s.io/VolumeAttachment",
  "storage.k8s.io/VolumeAttributesClass",
]);

const JOB_PODS_STAY =
  "child pods are preserved by default when jobs are deleted; " +
  "set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/** Jobs are deleted without their pods unless asked otherwise, which surprises. */
function warnOfOrphans({ served, options, context }: Pick<DeleteTarget, "served" | "options" | "context">): void {
  const { group, kind } = served.info;
  if (group === "batch" && kind === "Job" && options.propagationPolicy === undefined && options.orphanDependents === undefined) context.warn(JOB_PODS_STAY);
}

/** DELETE of one object. */
export async function deleteObject(deps: RegistryDeps, target: DeleteTarget): Promise<ObjectOutcome> {
  const { served, namespace, name, options } = target;
  warnOfOrphans(target);
  const key = storageKey(served.prefix, namespace, name);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const current = deps.cache.get(key);
    if (current === undefined) throw statusError.notFound(served.resource, name);
    const done = await attemptDelete(deps, target, current);
    if (done !== undefined) return done.gone ? gone(target, done) : { code: options.orphanDependents === false ? 202 : 200, ...done };
  }
  throw statusError.conflict(served.resource, name, "the object has been modified; please apply your changes to the latest version and try again");
}

interface Done {
  readonly object: KubeObject;
  readonly state?: CachedObject | undefined;
  readonly gone: boolean;
}

/** @returns `undefined` when somebody else has written in between */
async function attemptDelete(deps: RegistryDeps, target: DeleteTarget, current: CachedObject): Promise<Done | undefined> {
  const { served, options } = target;
  const dryRun = (options.dryRun?.length ?? 0) > 0;
  const old = served.view === undefined ? current.object : served.view.fromStored((await viewable(served, current)).object);
  checkPreconditions(target, old);
  const plan = isDefinition(served)
    ? planDefinition(old, options, served.strategy, deps.clock.now())
    : isNamespace(served)
      ? planNamespace(old, options, deps.clock.now())
      : planDeletion(old, options, served.strategy, deps.clock.now());
  if (plan.kind === "pending") return { object: old, state: served.view === undefined ? current : undefined, gone: false };
  if (target.isAdmitted !== true) await admitDelete(deps, target, old, dryRun);
  if (plan.kind === "remove") return remove(deps, target, current, old, dryRun);
  if (dryRun) return { object: plan.object, gone: plan.thenRemove };
  const result = await deps.cache.commit([{ key: current.key, object: await storedForm(served, plan.object), expected: current.revision }]);
  if (!result.ok) return undefined;
  const state = result.objects[0]!;
  deps.hooks(served.info)?.afterCommit?.(state.object, old);
  if (plan.thenRemove) return (await remove(deps, target, state, state.object, false)) ?? { object: state.object, state, gone: true };
  const object = served.view === undefined ? state.object : served.view.fromStored((await viewable(served, state)).object);
  return { object, state: served.view === undefined ? state : undefined, gone: false };
}

async function remove(deps: RegistryDeps, { served }: DeleteTarget, current: CachedObject, old: KubeObject, dryRun: boolean): Promise<Done | undefined> {
  if (dryRun) return { object: old, gone: true };
  const result = await deps.cache.commit([{ key: current.key, object: undefined, expected: current.revision }]);
  if (!result.ok) return undefined;
  deps.hooks(served.info)?.afterDelete?.(old);
  const last = result.objects[0]!;
  if (conversionOf(served) !== undefined) return { object: old, gone: true }; // who is told that it is gone needs no conversion
  return { object: served.view === undefined ? last.object : served.view.fromStored(last.object), gone: true };
}

async function admitDelete(deps: RegistryDeps, target: DeleteTarget, oldObject: KubeObject, dryRun: boolean): Promise<void> {
  const { served, namespace, name, options, context } = target;
  const attributes = {
    operation: "DELETE" as const,
    resource: served.info,
    subresource: "",
    namespace: isNamespace(served) ? name : namespace,
    name,
    object: undefined,
    oldObject,
    options: { ...options },
    user: context.user,
    dryRun,
    warn: (text: string) => context.warn(text),
    annotate: (key: string, value: string) => context.annotate?.(key, value),
    get signal() {
      return context.signal;
    },
  };
  await deps.admission.admit(attributes);
  await deps.admission.validate(attributes);
}

/** @throws {StatusError} 409 when the object is not the one that the client means */
export function checkPreconditions({ served, name, options }: Pick<DeleteTarget, "served" | "name" | "options">, { metadata }: KubeObject): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const resource = { group: served.info.group, resource: served.info.kind };
  if (isNamespace(served) && uid !== undefined && uid !== metadata.uid) {
    throw statusError.conflict(served.resource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`);
  }
  if (isNamespace(served) && resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const versions = `ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    throw statusError.conflict(served.resource, name, `Precondition failed: ${versions}`);
  }
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw statusError.conflict(resource, name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const versions = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion})`;
    throw statusError.conflict(resource, name, `${versions}. The object might have been modified`);
  }
}

function isNamespace({ info }: ServedResource): boolean {
  return info.kind === "Namespace" && info.group === "";
}

function isDefinition({ info }: ServedResource): boolean {
  return info.kind === "CustomResourceDefinition" && info.group === "apiextensions.k8s.io";
}

/**
 * A definition is first marked; its objects go before it.
 *
 * @see apiextensions-apiserver pkg/registry/customresourcedefinition/etcd.go
 */
function planDefinition(object: KubeObject, options: DeleteOptions, strategy: ServedResource["strategy"], nowMs: number): ReturnType<typeof planDeletion> {
  if (object.metadata.deletionTimestamp !== undefined) return planDeletion(object, options, strategy, nowMs);
  return { kind: "update", object: markedForCleanup(object as CustomResourceDefinition, formatTime(nowMs)), thenRemove: false };
}

/** A namespace is first marked; the controller takes its finalizer off once it is empty. */
function planNamespace(object: KubeObject, options: DeleteOptions, nowMs: number): ReturnType<typeof planDeletion> {
  const { spec, status, metadata } = object as KubeObject & { spec?: { finalizers?: readonly string[] }; status?: object };
  if (metadata.deletionTimestamp === undefined) {
    const finalizers = finalizersFor(metadata, options, {});
    const next = { ...metadata, deletionTimestamp: formatTime(nowMs), ...(finalizers.length > 0 && { finalizers }) };
    const marked = { ...object, metadata: next, status: { ...status, phase: "Terminating" } };
    return { kind: "update", object: marked, thenRemove: false };
  }
  const kept = (spec?.finalizers?.length ?? 0) + (metadata.finalizers?.length ?? 0) > 0;
  return kept ? { kind: "pending" } : { kind: "remove" };
}

function gone({ served, name }: DeleteTarget, { object }: Done): ObjectOutcome {
  const { info } = served;
  if (RETURNS_OBJECT.has(`${info.group}/${info.kind}`)) return { code: 200, object };
  const details = { name, ...(info.group !== "" && { group: info.group }), kind: info.plural, uid: object.metadata.uid };
  const status: Status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
  return { code: 200, object: status as unknown as KubeObject };
}

/** DELETE of a collection: each object by itself; what others delete meanwhile is no fault. */
export async function deleteCollection(deps: RegistryDeps, target: Omit<DeleteTarget, "name">, list: ListOptions): Promise<ListOutcome> {
  warnOfOrphans(target);
  const found = await listObjects(deps, target.served, target.namespace, list);
  for (const { object } of found.items) {
    const { name, namespace = "" } = object.metadata;
    try {
      await deleteObject(deps, { ...target, namespace, name });
    } catch (error) {
      if (!isStatus(error, "NotFound")) throw error;
    }
  }
  return found;
}
