import type { Scale } from "#api/autoscaling-v1/types.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { formatLabelSelector, formatLabels } from "#apimachinery/label-selector.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { failure, statusError } from "#apimachinery/status-error.ts";
import { draftOf } from "#apiserver/registry/apply.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { decodable } from "#apiserver/registry/machinery.ts";
import { patchedDraft, patcherOf } from "#apiserver/registry/patch.ts";
import { getObject } from "#apiserver/registry/read.ts";
import type { ResourceTable, ServedResource } from "#apiserver/registry/resource-table.ts";
import type { SubresourceHandler, SubresourcePatch, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import { changeObject } from "#apiserver/registry/update.ts";

const SCALED = [
  ["apps", "v1", "deployments"],
  ["apps", "v1", "replicasets"],
  ["apps", "v1", "statefulsets"],
  ["", "v1", "replicationcontrollers"],
] as const;
const SCALE = { group: "autoscaling", version: "v1", kind: "Scale" };

/** `scale` of what has replicas: an autoscaling/v1 Scale made from the object, its replicas written back. */
export function scaleHandlers(deps: RegistryDeps, resources: ResourceTable): SubresourceHandler[] {
  return SCALED.map(([group, version, plural]) => {
    const served = resources.get(group, version, plural)!;
    return {
      group,
      plural,
      subresource: "scale",
      get: async ({ namespace, name }) => scaleOf((await getObject(deps, served, { namespace, name })).object),
      update: (request) => write(deps, served, request, () => request.body as Scale),
      patch: (request) => write(deps, served, request, (old) => patchedScale(request, scaleOf(old))),
    };
  });
}

type Scalable = KubeObject & {
  readonly spec: { readonly replicas?: number; readonly selector?: object };
  readonly status?: { readonly replicas?: number };
};

function scaleOf(object: KubeObject): Scale {
  const { metadata, spec, status, kind } = object as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const selector = kind === "ReplicationController" ? formatLabels(spec.selector as Record<string, string>) : formatLabelSelector(spec.selector);
  const replicas = spec.replicas ?? 0;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: status?.replicas ?? 0, selector },
  } as Scale;
}

function patchedScale({ patch, patchType, write: options, context }: SubresourcePatch, scale: Scale): Scale {
  if (patchType === "apply") throw unsupportedMediaType();
  const patcher = patcherOf(patchType, patch, options.fieldValidation);
  return patchedDraft(decodable(SCALE), patcher, scale as KubeObject, options.fieldValidation, context) as Scale;
}

async function write(
  deps: RegistryDeps,
  served: ServedResource,
  request: SubresourceWrite | SubresourcePatch,
  make: (old: KubeObject) => Scale,
): Promise<object> {
  const { namespace, name, context } = request;
  const target = { served, namespace, name, subresource: "scale", options: request.write, context };
  const outcome = await changeObject(deps, target, {
    make: (old) => {
      if (old === undefined) throw statusError.notFound(served.resource, name);
      const scale = make(old);
      checkScale(scale, name);
      const { uid, resourceVersion } = scale.metadata ?? {};
      if ((uid ?? "") !== "" && uid !== old.metadata.uid) throw wrongUid(served, old, uid!, namespace);
      const metadata = { ...old.metadata, ...((resourceVersion ?? "") !== "" && { resourceVersion }) };
      return draftOf(served, { ...old, metadata, spec: { ...(old as Scalable).spec, replicas: scale.spec?.replicas ?? 0 } } as KubeObject);
    },
  });
  return scaleOf(outcome.object);
}

function checkScale({ metadata, spec }: Scale, name: string): void {
  const own = metadata?.name ?? "";
  if (own !== "" && own !== name) throw statusError.badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
  const replicas = spec?.replicas ?? 0;
  if (replicas >= 0) return;
  throw statusError.invalid(SCALE, name, [fieldError.invalid(new FieldPath("spec.replicas"), replicas, "must be greater than or equal to 0")]);
}

function wrongUid({ prefix, resource }: ServedResource, { metadata }: KubeObject, uid: string, namespace: string): Error {
  const detail = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
  const key = `${prefix}${namespace}/${metadata.name}`;
  return statusError.conflict(resource, metadata.name, `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${detail}`);
}

function unsupportedMediaType(): Error {
  return failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
}
