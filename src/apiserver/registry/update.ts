import { comparable } from "#apimachinery/decode/comparable.ts";
import { hasEmptied } from "#apimachinery/decode/emptied.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import { failure, StatusError, statusError } from "#apimachinery/status-error.ts";
import { forbidden } from "#apiserver/authz/forbidden.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import { conversionOf, storedForm, viewable } from "#apiserver/registry/conversion.ts";
import { withConversions } from "#apiserver/registry/converted-owners.ts";
import { insertObject } from "#apiserver/registry/create.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { strategyContext } from "#apiserver/registry/deps.ts";
import type { Body, Decodable } from "#apiserver/registry/body.ts";
import { decodeBody } from "#apiserver/registry/body.ts";
import { objectMetaUpdateErrors } from "#apiserver/registry/object-meta.ts";
import { recordUpdate, setManagedFields, type UpdateRecord } from "#apiserver/registry/ownership.ts";
import type { ObjectOutcome } from "#apiserver/registry/outcome.ts";
import { dedupOwnerReferences } from "#apiserver/registry/owner-references.ts";
import { reserve } from "#apiserver/registry/reservation.ts";
import { storageKey } from "#apiserver/registry/resource-table.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import type { Draft, WriteTarget } from "#apiserver/registry/write.ts";
import { admissionAttributes, fieldManagerOf, matchNamespace, refuseInvalid, sameJson, written } from "#apiserver/registry/write.ts";
import { formatTime } from "#lib/clock.ts";

const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";
/** Other writers may get in between; more often than this in a row means something is wrong. */
const MAX_ATTEMPTS = 64;

/** How one attempt makes the new object from the one that stands; the result is the caller's own, to be filled in. */
export interface Change {
  make(old: KubeObject | undefined): Draft | Promise<Draft>;
  /** Whether a missing object is created, whatever the kind says. */
  readonly createMissing?: boolean;
  /** Whether `make` has taken care of managed fields. */
  readonly ownsManagedFields?: boolean;
  /** What admission sees in the object's place, if not the object. */
  readonly shown?: Shown;
  /** The code for a missing object that has been created. */
  readonly createdCode?: number;
}

/** A part of an object that has a kind of its own: the Scale of a Deployment. */
export interface Shown {
  readonly decodes: Decodable;
  of(object: KubeObject): Draft;
  /** Puts what admission has made of it back. */
  into(object: Draft, shown: Draft): void;
}

/** PUT to an object. */
export function updateObject(deps: RegistryDeps, target: WriteTarget, body: Body): Promise<ObjectOutcome> {
  const { served, name, namespace, options, context } = target;
  const decode = (): Draft => {
    const object = decodeBody(served, body, options.fieldValidation, context);
    matchNamespace(object, namespace);
    checkName(object, name);
    dedupOwnerReferences(object, "sent", (text) => context.warn(text));
    return object;
  };
  // The first decoding's faults come before anything else's; a retry needs a copy that no strategy has touched.
  let first: Draft | undefined = decode();
  const uid = first.metadata.uid ?? "";
  return changeObject(deps, target, {
    make: (old) => {
      if (uid !== "" && uid !== (old?.metadata.uid ?? "") && (old !== undefined || served.strategy.allowCreateOnUpdate === true))
        throw uidConflict(target, uid, old);
      const object = first ?? decode();
      first = undefined;
      return object;
    },
  });
}

export function checkName(object: Draft, name: string): void {
  const own = object.metadata.name ?? "";
  if (own === "") throw statusError.badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (own !== name) throw statusError.badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
}

function uidConflict({ served, namespace, name }: WriteTarget, uid: string, old: KubeObject | undefined): Error {
  const key = storageKey(served.prefix, namespace, name);
  const detail = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old?.metadata.uid ?? ""}`;
  return statusError.conflict(served.resource, name, `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${detail}`);
}

/** Reads, changes and writes an object until nobody else has got in between. */
export async function changeObject(deps: RegistryDeps, target: WriteTarget, change: Change): Promise<ObjectOutcome> {
  const { served, namespace, name } = target;
  const key = storageKey(served.prefix, namespace, name);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const current = deps.cache.get(key);
    const outcome = current === undefined ? await createMissing(deps, target, change) : await attemptChange(deps, target, change, current);
    if (outcome !== undefined) return outcome;
  }
  throw statusError.conflict(served.resource, name, MODIFIED);
}

async function createMissing(deps: RegistryDeps, target: WriteTarget, change: Change): Promise<ObjectOutcome | undefined> {
  const { served, name, subresource, context } = target;
  const allowed = change.createMissing === true || (served.strategy.allowCreateOnUpdate === true && subresource === "");
  const object = await change.make(undefined);
  if (!allowed) throw statusError.notFound(served.resource, name);
  const attributes = { user: context.user, verb: "create", ...served.info, subresource: "", namespace: target.namespace, name };
  const decision = deps.authorizer.authorize(attributes);
  if (!decision.allowed) throw forbidden(attributes, decision.reason);
  if (change.ownsManagedFields !== true) {
    recordUpdate(served, { live: undefined, next: object, manager: fieldManagerOf(target), subresource: "", now: formatTime(deps.clock.now()) });
  }
  await deps.admission.admit(admissionAttributes(target, "CREATE", object, undefined));
  const { object: created, state } = await insertObject(deps, target, object);
  return { code: change.createdCode ?? 201, object: created, state };
}

/** @returns `undefined` when somebody else has written in between */
async function attemptChange(deps: RegistryDeps, target: WriteTarget, change: Change, current: CachedObject): Promise<ObjectOutcome | undefined> {
  const { served, subresource, options } = target;
  const old = served.view === undefined ? current.object : served.view.fromStored((await viewable(served, current)).object);
  const object = await change.make(old);
  if (change.ownsManagedFields !== true) {
    const now = formatTime(deps.clock.now());
    const record = { live: old, next: object, manager: fieldManagerOf(target), subresource, now };
    if (conversionOf(served) === undefined) recordUpdate(served, record);
    else await recordConverted(served, record);
  }
  await admitChange(deps, target, change, object, old);
  dedupOwnerReferences(object, "admitted", (text) => target.context.warn(text));
  checkVersion(target, object, old);
  const release = await reserve(subresource === "" ? deps.hooks(served.info) : undefined, object, old, options.dryRun);
  try {
    const outcome = await writeChange(deps, target, change, object, old, current, release);
    if (outcome === undefined || options.dryRun) release();
    return outcome;
  } catch (error) {
    release();
    throw error;
  }
}

/** As upstream has it, nobody owns anything any more when owners' versions cannot be had. */
async function recordConverted(served: ServedResource, record: UpdateRecord & { readonly live: KubeObject }): Promise<void> {
  try {
    await withConversions(served, conversionOf(served)!, record.subresource, (others) => recordUpdate(served, { ...record, others }));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    setManagedFields(record.next, undefined);
  }
}

async function admitChange(deps: RegistryDeps, target: WriteTarget, { shown }: Change, object: Draft, old: KubeObject): Promise<void> {
  if (shown === undefined) return deps.admission.admit(admissionAttributes(target, "UPDATE", object, old));
  const part = shown.of(object as KubeObject);
  await deps.admission.admit(admissionAttributes(target, "UPDATE", part, shown.of(old) as KubeObject, shown.decodes));
  shown.into(object, part);
}

async function writeChange(
  deps: RegistryDeps,
  target: WriteTarget,
  { shown }: Change,
  object: Draft,
  old: KubeObject,
  current: CachedObject,
  release: () => void,
): Promise<ObjectOutcome | undefined> {
  const { served, options, context } = target;
  const loading = served.strategy.load?.(object as KubeObject);
  if (loading !== undefined) await loading;
  prepareForUpdate(deps, target, object, old);
  validateUpdate(target, object, old);
  warnOnUpdate(target, object, old);
  served.strategy.canonicalize?.(object);
  await deps.admission.validate(
    shown === undefined
      ? admissionAttributes(target, "UPDATE", object, old)
      : admissionAttributes(target, "UPDATE", shown.of(object as KubeObject), shown.of(old) as KubeObject, shown.decodes),
  );
  if (context.signal?.aborted) throw failure(504, "Timeout", "Timeout: request did not complete within the allotted timeout");
  if (isFinalized(object, old)) {
    release();
    return removeFinalized(deps, target, object, current);
  }
  if (sameJson(object, old)) return { code: 200, object: old, state: served.view === undefined ? current : undefined };
  return commitChange(deps, target, object, old, current, options.dryRun);
}

function checkVersion({ served, name }: WriteTarget, object: Draft, old: KubeObject): void {
  const asked = object.metadata.resourceVersion ?? "";
  const standing = old.metadata.resourceVersion;
  if (asked === "" || asked === "0") {
    if (served.strategy.allowUnconditionalUpdate === false) {
      const { group, resource: kind } = served.resource; // upstream has the resource's name stand for the kind's here
      throw statusError.invalid({ group, kind }, name, [fieldError.invalid(new FieldPath("metadata.resourceVersion"), 0, "must be specified for an update")]);
    }
    object.metadata.resourceVersion = standing;
  } else if (asked !== standing) {
    if (!/^\d+$/.test(asked)) throw unexpected(`strconv.ParseUint: parsing ${JSON.stringify(asked)}: invalid syntax`);
    throw statusError.conflict(served.resource, name, MODIFIED);
  }
}

function prepareForUpdate(deps: RegistryDeps, target: WriteTarget, object: Draft, old: KubeObject): void {
  const { served, subresource, context } = target;
  const { strategy } = served;
  const { metadata } = object;
  const before = old.metadata;
  setOrDelete(metadata, "generation", before.generation);
  const ctx = strategyContext(deps, context);
  if (isWhole(subresource)) {
    if (served.hasStatus) setOrDelete(object as Draft & { status?: unknown }, "status", (old as { status?: unknown }).status);
    strategy.prepareForUpdate?.(object, old, ctx);
    if (strategy.hasGeneration === true && specChanged(served, object as KubeObject, old)) metadata.generation = (before.generation ?? 0) + 1;
  } else {
    if (subresource === "status") keepAllBut("status", object, old);
    if (subresource === "finalize") keepAllBut("spec", object, old);
    strategy.subresources?.[subresource]?.prepareForUpdate?.(object, old, ctx);
  }
  if ((metadata.uid ?? "") === "") metadata.uid = before.uid;
  metadata.creationTimestamp = before.creationTimestamp;
  setOrDelete(metadata, "selfLink", undefined);
  if (before.deletionTimestamp !== undefined) {
    metadata.deletionTimestamp = before.deletionTimestamp;
    setOrDelete(metadata, "deletionGracePeriodSeconds", metadata.deletionGracePeriodSeconds ?? before.deletionGracePeriodSeconds);
  }
}

/** A write to `scale` goes by the rules of the object itself. */
function isWhole(subresource: string): boolean {
  return subresource === "" || subresource === "scale";
}

/** Of a write to a subresource, only its own part and metadata count. */
function keepAllBut(part: "status" | "spec", object: Draft, old: KubeObject): void {
  const target = object as unknown as Record<string, unknown>;
  const source = old as unknown as Record<string, unknown>;
  for (const key of Object.keys(target)) if (!(key in source) && key !== part && key !== "metadata") delete target[key];
  for (const key in source) if (key !== part && key !== "metadata") target[key] = source[key];
}

function specChanged({ strategy, schema }: ServedResource, object: KubeObject, old: KubeObject): boolean {
  const spec = strategy.generationFields ?? allButMetadataAndStatus;
  if (strategy.emptyIsChange === true && hasEmptied(object, ["metadata", "status"])) return true;
  if (sameJson(spec(object), spec(old))) return false;
  return !sameJson(spec(comparable(schema, object) as KubeObject), spec(comparable(schema, old) as KubeObject));
}

function allButMetadataAndStatus(object: KubeObject): unknown {
  const { metadata: _metadata, status: _status, ...rest } = object as KubeObject & { status?: unknown };
  return rest;
}

function validateUpdate({ served, subresource, context }: WriteTarget, object: Draft, old: KubeObject): void {
  const rules = isWhole(subresource) ? served.strategy : served.strategy.subresources?.[subresource];
  const next = object as KubeObject;
  const metadataErrors = objectMetaUpdateErrors(served, next, old, subresource);
  const own = rules?.validateUpdate?.(next, old, { metadataErrors, warn: (text) => context.warn(text) });
  refuseInvalid(served, object, [...metadataErrors, ...(own ?? [])]);
}

function warnOnUpdate({ served, subresource, context }: WriteTarget, object: Draft, old: KubeObject): void {
  const rules = isWhole(subresource) ? served.strategy : served.strategy.subresources?.[subresource];
  for (const warning of rules?.warningsOnUpdate?.(object as KubeObject, old) ?? []) context.warn(warning);
}

/** Whether this update takes away the last that kept a deleted object. */
function isFinalized({ metadata, ...rest }: Draft, old: KubeObject): boolean {
  if (old.metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false;
  if ((old.metadata.deletionGracePeriodSeconds ?? 0) !== 0) return false;
  const { kind, spec } = rest as { kind?: string; spec?: { finalizers?: readonly string[] } };
  return kind !== "Namespace" || (spec?.finalizers?.length ?? 0) === 0;
}

async function removeFinalized(deps: RegistryDeps, target: WriteTarget, object: Draft, current: CachedObject): Promise<ObjectOutcome | undefined> {
  const { served, options } = target;
  if (!options.dryRun) {
    const result = await deps.cache.commit([{ key: current.key, object: undefined, expected: current.revision }]);
    if (!result.ok) return undefined;
    deps.hooks(served.info)?.afterDelete?.(current.object);
  }
  return { code: 200, object: object as KubeObject };
}

async function commitChange(
  deps: RegistryDeps,
  { served }: WriteTarget,
  object: Draft,
  old: KubeObject,
  current: CachedObject,
  dryRun: boolean,
): Promise<ObjectOutcome | undefined> {
  if (dryRun) return { code: 200, object: object as KubeObject };
  const result = await deps.cache.commit([{ key: current.key, object: await storedForm(served, object as KubeObject), expected: current.revision }]);
  if (!result.ok) return undefined;
  return written(deps, served, 200, result.objects[0]!, old);
}

function setOrDelete<T extends object, K extends keyof T>(object: T, key: K, value: unknown): void {
  if (value === undefined) delete object[key];
  else object[key] = value as T[K];
}
