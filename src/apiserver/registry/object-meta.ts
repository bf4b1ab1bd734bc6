import type { ResourceInfo } from "#api/resources.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "#apimachinery/validation/object-meta.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";

export function objectMetaErrors({ info, strategy }: ServedResource, { metadata }: KubeObject): FieldError[] {
  const errors = validateObjectMeta(metadata, {
    namespaced: info.namespaced,
    ...(strategy.validateName && { validateName: (name, prefix) => strategy.validateName!(name, prefix) }),
  });
  if (metadata.finalizers && !isLenient(info)) errors.push(...finalizerErrors(metadata.finalizers));
  return errors;
}

/**
 * Upstream checks metadata in the generic part (as of a new object, and as of an update), in the kind's own, and for some kinds once
 * more as at their creation, and tells causes as often.
 */
export function objectMetaUpdateErrors(served: ServedResource, object: KubeObject, old: KubeObject, subresource: string): FieldError[] {
  const { info } = served;
  const { metadata } = object;
  const changes = validateObjectMetaUpdate(metadata, old.metadata);
  const generic = [...validateObjectMeta(metadata, { namespaced: info.namespaced, validateName: nameIsPathSegment }), ...changes];
  const own = WITHOUT_OWN_META.has(`${info.group}/${info.kind}`) ? [] : isLenient(info) ? changes : [...changes, ...finalizerErrors(metadata.finalizers)];
  const again = subresource === "" && CHECKED_AS_CREATED.has(`${info.group}/${info.kind}`) ? objectMetaErrors(served, object) : [];
  return [...generic, ...own, ...again];
}

const isLenient = ({ group, custom }: ResourceInfo) => custom !== undefined || LENIENT_GROUPS.has(group);

/** Their kinds do not ask that finalizers have a domain. */
const LENIENT_GROUPS = new Set(["admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"]);

const STANDARD_FINALIZERS = ["kubernetes", "orphan", "foregroundDeletion"];
const FINALIZERS = new FieldPath("metadata.finalizers");

/** @see kubernetes pkg/apis/core/validation/validation.go, validateKubeFinalizerName */
function finalizerErrors(finalizers: readonly string[] | null | undefined): FieldError[] {
  return (finalizers ?? []).flatMap((name, i) =>
    name.includes("/") || STANDARD_FINALIZERS.includes(name)
      ? []
      : [fieldError.invalid(FINALIZERS.index(i), name, "name is neither a standard finalizer name nor is it fully qualified")],
  );
}

/** Kinds whose own rules for updates leave metadata to the generic part. */
const WITHOUT_OWN_META = new Set(["/PersistentVolume"]);

/** Kinds whose updates go through the rules for new objects. */
const CHECKED_AS_CREATED = new Set([
  "/ConfigMap",
  "/PersistentVolume",
  "/PersistentVolumeClaim",
  "/Secret",
  "/Service",
  "/ServiceAccount",
  "discovery.k8s.io/EndpointSlice",
  "rbac.authorization.k8s.io/ClusterRole",
  "rbac.authorization.k8s.io/ClusterRoleBinding",
  "rbac.authorization.k8s.io/Role",
  "rbac.authorization.k8s.io/RoleBinding",
]);
