import type { Scale as OlderScale } from "#api/apps-v1beta1/types.ts";
import type { Scale } from "#api/autoscaling-v1/types.ts";
import { newerScale, olderScale } from "#api/legacy/scale.ts";
import type { ResourceInfo } from "#api/resources.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { formatLabelSelector, formatLabels } from "#apimachinery/label-selector.ts";
import type { FieldSet, Managed } from "#apimachinery/managed-fields/index.ts";
import { applyConfiguration, managersOfScaled, recordUpdate, scaleManagers } from "#apimachinery/managed-fields/index.ts";
import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { configurationOf, draftOf } from "#apiserver/registry/apply.ts";
import { decodable, type Kind } from "#apiserver/registry/body.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { WriteOptions } from "#apiserver/registry/options.ts";
import { setManagedFields } from "#apiserver/registry/ownership.ts";
import { patchedDraft, patcherOf } from "#apiserver/registry/patch.ts";
import { getObject } from "#apiserver/registry/read.ts";
import type { ResourceTable, ServedResource } from "#apiserver/registry/resource-table.ts";
import type { SubresourceHandler, SubresourcePatch, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import { changeObject, type Shown } from "#apiserver/registry/update.ts";
import type { Draft } from "#apiserver/registry/write.ts";
import { fieldManagerOf } from "#apiserver/registry/write.ts";
import { formatTime } from "#lib/clock.ts";

const SCALED = [
  ["apps", "v1", "deployments"],
  ["apps", "v1", "replicasets"],
  ["apps", "v1", "statefulsets"],
  ["", "v1", "replicationcontrollers"],
] as const;
const SCALE = { group: "autoscaling", version: "v1", kind: "Scale" };

/** `scale` of what has replicas: an autoscaling/v1 Scale made from the object, its replicas written back. */
export function scaleHandlers(deps: RegistryDeps, resources: ResourceTable): SubresourceHandler[] {
  return SCALED.flatMap(([group, version, plural]) => {
    const served = resources.get(group, version, plural)!;
    const verbs = scaleVerbs(deps, () => ({ served, access: BUILTIN }));
    // What old versions of `extensions` show is stored as one of these.
    return [group, ...(group === "apps" ? ["extensions"] : [])].map((at) => ({ group: at, plural, subresource: "scale", ...verbs }));
  });
}

/** A Scale as one version of what it belongs to has it. */
interface ScaleForm {
  readonly kind: Kind;
  show(scale: Scale): object;
  read(shown: object): Scale;
}

const CURRENT_FORM: ScaleForm = { kind: SCALE, show: (scale) => scale, read: (shown) => shown as Scale };

function formOf({ group, version, legacy }: ResourceInfo): ScaleForm {
  if (legacy !== true) return CURRENT_FORM;
  return {
    kind: { group, version, kind: "Scale" },
    show: (scale) => olderScale(scale, `${group}/${version}`),
    read: (shown) => newerScale(shown as OlderScale),
  };
}

/** What a Scale shows of an object, and how it is written back. */
export interface ScaleAccess {
  /** Where the replicas stand, as owners of fields have it; absent for `spec.replicas`. */
  readonly replicas?: FieldSet | undefined;
  /** @throws {StatusError} when a read needs what is not there */
  read(object: KubeObject, mustBeThere: boolean): Pick<Scale, "spec" | "status">;
  withReplicas(object: KubeObject, replicas: number): KubeObject;
  /** Whether the object's own rules see to the replicas. */
  readonly isChecked?: boolean;
}

interface Scaled {
  readonly served: ServedResource;
  readonly access: ScaleAccess;
}

export function scaleVerbs(deps: RegistryDeps, of: (info: ResourceInfo) => Scaled): Omit<SubresourceHandler, "group" | "plural" | "subresource"> {
  return {
    get: async ({ info, namespace, name }) => {
      const { served, access } = of(info);
      return formOf(info).show(scaleOf((await getObject(deps, served, { namespace, name })).object, access, true));
    },
    ownsManagedFields: true,
    update: (request) => write(deps, of(request.info), request, () => ({ scale: formOf(request.info).read(request.body) })),
    patch: (request) => write(deps, of(request.info), request, (old, now) => patchedScale(request, old, now)),
  };
}

const BUILTIN: ScaleAccess = {
  read: (object) => {
    const { spec, status, kind } = object as Scalable;
    const selector = kind === "ReplicationController" ? formatLabels(spec.selector as Record<string, string>) : formatLabelSelector(spec.selector);
    const replicas = spec.replicas ?? 0;
    return { spec: replicas === 0 ? {} : { replicas }, status: { replicas: status?.replicas ?? 0, selector } } as Scale;
  },
  withReplicas: (object, replicas) => ({ ...object, spec: { ...(object as Scalable).spec, replicas } }) as KubeObject,
};

type Scalable = KubeObject & {
  readonly spec: { readonly replicas?: number; readonly selector?: object };
  readonly status?: { readonly replicas?: number };
};

/** @param managers the Scale's own; answers have none */
function scaleOf(object: KubeObject, access: ScaleAccess, mustBeThere: boolean, managers: readonly ManagedFieldsEntry[] = []): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp, ...(managers.length > 0 && { managedFields: managers }) },
    ...access.read(object, mustBeThere),
  } as Scale;
}

/** Admission sees the Scale, and may change its replicas. */
const shownBy = (access: ScaleAccess): Shown => ({
  get decodes() {
    return decodable(SCALE);
  },
  of: (object) => structuredClone(scaleOf(object, access, false)) as unknown as Draft,
  into(object, shown) {
    Object.assign(object, access.withReplicas(object as KubeObject, (shown as unknown as Scale).spec?.replicas ?? 0));
  },
});

interface NewScale {
  readonly scale: Scale;
  /** The Scale's own managers, where `make` has seen to them. */
  readonly managers?: readonly ManagedFieldsEntry[] | undefined;
}

function patchedScale({ patch, patchType, write: options, context, info }: SubresourcePatch, old: Scale, now: string): NewScale {
  const form = formOf(info);
  if (patchType === "apply") return appliedScale(configurationOf(patch, { options, context }), old, options, now, form);
  const patcher = patcherOf(patchType, patch, options.fieldValidation);
  return { scale: form.read(patchedDraft(decodable(form.kind), patcher, form.show(old) as KubeObject, options.fieldValidation, context)) };
}

function appliedScale(config: JsonObject, old: Scale, { fieldManager, force }: WriteOptions, time: string, { kind, show, read }: ScaleForm): NewScale {
  const { schema, apiVersion } = decodable(kind);
  const live = show(old) as Managed & KubeObject;
  const applied = applyConfiguration({ schema, kind: kind.kind, live, config, manager: fieldManager, force, apiVersion, subresource: "scale", time });
  const scale = applied.object === undefined ? old : read(decodeObject<KubeObject>(schema, applied.object).object);
  return { scale, managers: applied.managedFields ?? [] };
}

async function write(
  deps: RegistryDeps,
  { served, access }: Scaled,
  request: SubresourceWrite | SubresourcePatch,
  make: (old: Scale, now: string) => NewScale,
): Promise<object> {
  const { namespace, name, context, write: options } = request;
  const target = { served, namespace, name, subresource: "scale", options, context };
  const outcome = await changeObject(deps, target, {
    ownsManagedFields: true,
    shown: shownBy(access),
    make: (old) => {
      if (old === undefined) throw statusError.notFound(served.resource, name);
      const now = formatTime(deps.clock.now());
      const parentManagers = old.metadata.managedFields;
      const oldScale = scaleOf(old, access, false, scaleManagers(parentManagers, access.replicas));
      const made = make(oldScale, now);
      const managers = made.managers ?? updatedManagers(oldScale, made.scale, fieldManagerOf(target), now);
      checkScale(made.scale, request, access);
      return scaled({ served, access }, old, made.scale, namespace, managersOfScaled(parentManagers, managers, served.apiVersion, access.replicas));
    },
  });
  return formOf(request.info).show(scaleOf(outcome.object, access, false));
}

function updatedManagers(live: Scale, updated: Scale, manager: string, time: string): readonly ManagedFieldsEntry[] {
  const { schema, apiVersion } = decodable(SCALE);
  return recordUpdate({ schema, live: live as Managed, updated: updated as Managed, manager, apiVersion, subresource: "scale", time }) ?? [];
}

/** The object with the Scale's replicas. */
function scaled({ served, access }: Scaled, old: KubeObject, scale: Scale, namespace: string, managers: readonly ManagedFieldsEntry[]): Draft {
  const { uid, resourceVersion } = scale.metadata ?? {};
  if ((uid ?? "") !== "" && uid !== old.metadata.uid) throw wrongUid(served, old, uid!, namespace);
  const metadata = { ...old.metadata, ...((resourceVersion ?? "") !== "" && { resourceVersion }) };
  const draft = draftOf(served, access.withReplicas({ ...old, metadata }, scale.spec?.replicas ?? 0));
  setManagedFields(draft, managers);
  return draft;
}

function checkScale({ metadata, spec }: Scale, { name, namespace }: { readonly name: string; readonly namespace: string }, access: ScaleAccess): void {
  const within = metadata?.namespace ?? "";
  if (within !== "" && within !== namespace)
    throw statusError.badRequest("the namespace of the provided object does not match the namespace sent on the request");
  const own = metadata?.name ?? "";
  if (own !== "" && own !== name) throw statusError.badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
  const replicas = spec?.replicas ?? 0;
  if (replicas >= 0 || access.isChecked === true) return;
  throw statusError.invalid(SCALE, name, [fieldError.invalid(new FieldPath("spec.replicas"), replicas, "must be greater than or equal to 0")]);
}

function wrongUid({ prefix, resource }: ServedResource, { metadata }: KubeObject, uid: string, namespace: string): Error {
  const detail = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
  const key = `${prefix}${namespace}/${metadata.name}`;
  return statusError.conflict(resource, metadata.name, `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${detail}`);
}
