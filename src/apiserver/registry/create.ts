import type { Mutable } from "#api/strategy.ts";
import { emptyObject } from "#apimachinery/managed-fields/index.ts";
import type { ObjectMeta } from "#apimachinery/meta-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import { StatusError, statusError } from "#apimachinery/status-error.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { strategyContext } from "#apiserver/registry/deps.ts";
import type { Body } from "#apiserver/registry/body.ts";
import { decodeBody } from "#apiserver/registry/body.ts";
import { objectMetaErrors } from "#apiserver/registry/object-meta.ts";
import { storedForm } from "#apiserver/registry/conversion.ts";
import { recordUpdate } from "#apiserver/registry/ownership.ts";
import type { ObjectOutcome } from "#apiserver/registry/outcome.ts";
import { dedupOwnerReferences } from "#apiserver/registry/owner-references.ts";
import { reserve } from "#apiserver/registry/reservation.ts";
import { storageKey } from "#apiserver/registry/resource-table.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import type { Draft, WriteTarget } from "#apiserver/registry/write.ts";
import { admissionAttributes, fieldManagerOf, matchNamespace, refuseInvalid, written } from "#apiserver/registry/write.ts";
import { formatTime } from "#lib/clock.ts";
import { randomSuffix } from "#lib/rng.ts";

const MAX_NAME_ATTEMPTS = 8;
/** Generated names keep to 63 bytes, suffix included. */
const MAX_GENERATED_PREFIX = 58;

/** POST to a collection. */
export async function createObject(deps: RegistryDeps, target: WriteTarget, body: Body): Promise<ObjectOutcome> {
  const { served, namespace } = target;
  const object = decodeBody(served, body, target.options.fieldValidation, target.context);
  matchNamespace(object, namespace);
  refuseTerminating(served, object);
  wipeSystemFields(object.metadata);
  dedupOwnerReferences(object, "sent", (text) => target.context.warn(text));
  recordUpdate(served, { live: undefined, next: object, manager: fieldManagerOf(target), subresource: "", now: formatTime(deps.clock.now()) });
  const pending = deps.admission.admit(admissionAttributes(target, "CREATE", object, undefined));
  if (pending instanceof Promise) await pending;
  matchNamespace(object, namespace); // a webhook may have changed it
  dedupOwnerReferences(object, "admitted", (text) => target.context.warn(text));
  served.strategy.applyDefaults?.(object); // admission may have set what other fields mirror
  return insertObject(deps, target, object);
}

/** What is defined no longer is not created any more. */
function refuseTerminating({ custom, resource }: ServedResource, { metadata }: Draft): void {
  if (custom?.isTerminating !== true) return;
  const { name } = metadata as { name?: string };
  throw statusError.forbidden(resource, name ?? "", "create not allowed while custom resource definition is terminating");
}

/** Takes a decoded, admitted object through strategy and validation into the store. */
export async function insertObject(deps: RegistryDeps, target: WriteTarget, object: Draft): Promise<ObjectOutcome> {
  const { served, options } = target;
  const prefix = (object.metadata.name ?? "") === "" ? (object.metadata.generateName ?? "") : "";
  if (prefix !== "") object.metadata.name = generatedName(prefix, deps);
  const hooks = deps.hooks(served.info);
  if (hooks?.beforeCommit === undefined) return insertReserved(deps, target, object, prefix);
  const release = await reserve(hooks, object, undefined, options.dryRun);
  try {
    const outcome = await insertReserved(deps, target, object, prefix);
    if (options.dryRun) release();
    return outcome;
  } catch (error) {
    release();
    throw error;
  }
}

/** @param prefix what the name was made from; another is made when it is taken */
async function insertReserved(deps: RegistryDeps, target: WriteTarget, object: Draft, prefix: string): Promise<ObjectOutcome> {
  const { served, context } = target;
  const loading = served.strategy.load?.(object as KubeObject);
  if (loading !== undefined) await loading;
  prepareForCreate(deps, target, object);
  validateCreate(target, object);
  for (const warning of served.strategy.warningsOnCreate?.(object as KubeObject) ?? []) context.warn(warning);
  for (let attempt = 1; ; attempt++) {
    served.strategy.canonicalize?.(object);
    const pending = deps.admission.validate(admissionAttributes(target, "CREATE", object, undefined));
    if (pending instanceof Promise) await pending;
    const outcome = await commitNew(deps, target, object);
    if (outcome !== undefined) return outcome;
    if (prefix === "" || attempt >= MAX_NAME_ATTEMPTS) throw alreadyExists(deps, served, object);
    object.metadata.name = generatedName(prefix, deps);
  }
}

/** What is being deleted still takes its name. */
function alreadyExists(deps: RegistryDeps, served: ServedResource, { metadata }: Draft): Error {
  const error = statusError.alreadyExists(served.resource, metadata.name);
  const standing = deps.cache.get(storageKey(served.prefix, metadata.namespace ?? "", metadata.name));
  if (standing?.object.metadata.deletionTimestamp === undefined) return error;
  return new StatusError({ ...error.status, message: `object is being deleted: ${error.message}` });
}

function prepareForCreate(deps: RegistryDeps, target: WriteTarget, object: Draft): void {
  const { served, context } = target;
  const { strategy } = served;
  const metadata = object.metadata as Partial<Mutable<ObjectMeta>>;
  wipeSystemFields(metadata);
  metadata.creationTimestamp = formatTime(deps.clock.now());
  metadata.uid = deps.newUid();
  if (metadata.resourceVersion === "") delete metadata.resourceVersion;
  if (strategy.hasGeneration === true) metadata.generation = 1;
  if (served.hasStatus && strategy.keepsStatusOnCreate !== true) resetStatus(served, object);
  strategy.prepareForCreate?.(object, strategyContext(deps, context));
}

/** What only the server says of an object's life: nobody owns it, whatever a client sends. */
function wipeSystemFields(metadata: Partial<Mutable<ObjectMeta>>): void {
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
}

/** Status belongs to controllers: what a client sends is dropped. */
function resetStatus({ schema }: ServedResource, object: Draft): void {
  const own = object as { status?: unknown };
  const { status } = emptyObject(schema) as { status?: object };
  if (status === undefined) delete own.status;
  else own.status = Object.keys(status).length === 0 ? {} : structuredClone(status);
}

function badResourceVersion(): Error {
  return unexpected("resourceVersion should not be set on objects to be created");
}

function validateCreate({ served, context }: WriteTarget, object: Draft): void {
  const metadataErrors = objectMetaErrors(served, object as KubeObject);
  const own = served.strategy.validateCreate?.(object as KubeObject, { metadataErrors, warn: (text) => context.warn(text) });
  refuseInvalid(served, object, [...metadataErrors, ...(own ?? [])]);
}

function generatedName(prefix: string, { rng }: RegistryDeps): string {
  return prefix.slice(0, MAX_GENERATED_PREFIX) + randomSuffix(rng);
}

/** @returns `undefined` when the name is taken */
async function commitNew(deps: RegistryDeps, target: WriteTarget, object: Draft): Promise<ObjectOutcome | undefined> {
  const { served, options } = target;
  if ((object.metadata.resourceVersion ?? "") !== "" && !options.dryRun) throw badResourceVersion(); // upstream's store says so, last of all
  const key = storageKey(served.prefix, object.metadata.namespace ?? "", object.metadata.name);
  if (deps.cache.get(key) !== undefined) return undefined;
  if (options.dryRun) return { code: 201, object: object as KubeObject };
  const committed = await deps.cache.commit([{ key, object: await storedForm(served, object as KubeObject), expected: 0 }]);
  if (!committed.ok) return undefined;
  return written(deps, served, 201, committed.objects[0]!, undefined);
}
