import { builtin, type Resource } from "#api/resources.ts";
import type { PersistentVolumeClaim } from "#api/core-v1/types.ts";
import type { Ingress, IngressClass } from "#api/networking-v1/types.ts";
import type { StorageClass } from "#api/storage-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { targets } from "#apiserver/admission/plugins/attributes.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

export const STORAGE_CLASSES = builtin<StorageClass>("storage.k8s.io", "v1", "storageclasses");
const INGRESS_CLASSES = builtin<IngressClass>("networking.k8s.io", "v1", "ingressclasses");
const STORAGE_DEFAULTS = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
const INGRESS_DEFAULTS = ["ingressclass.kubernetes.io/is-default-class"];
export const BETA_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class";

/** A claim without a class takes the default one. */
export function defaultStorageClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "DefaultStorageClass",
    handles: (target) => targets(target, "", "persistentvolumeclaims", "CREATE"),
    admit({ object }) {
      const claim = object as Mutable<PersistentVolumeClaim>;
      if (claim.metadata.annotations?.[BETA_STORAGE_CLASS] !== undefined || claim.spec?.storageClassName !== undefined) return;
      const [chosen] = defaults(reader, STORAGE_CLASSES, STORAGE_DEFAULTS);
      if (chosen !== undefined && claim.spec !== undefined) claim.spec.storageClassName = chosen.metadata.name;
    },
  };
}

/** An ingress without a class takes the default one. */
export function defaultIngressClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "DefaultIngressClass",
    handles: (target) => targets(target, "networking.k8s.io", "ingresses", "CREATE"),
    admit({ object }) {
      const ingress = object as Mutable<Ingress>;
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.["kubernetes.io/ingress.class"] !== undefined) return;
      const [chosen] = defaults(reader, INGRESS_CLASSES, INGRESS_DEFAULTS);
      if (chosen !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: chosen.metadata.name };
    },
  };
}

/** The classes that are marked as default, the newest first, then by name. */
function defaults<T extends KubeObject>(reader: ObjectReader, resource: Resource<T>, annotations: readonly string[]): T[] {
  const marked = reader.list(resource, "").filter(({ metadata }) => annotations.some((key) => metadata.annotations?.[key] === "true"));
  const created = ({ metadata }: T) => metadata.creationTimestamp ?? "";
  return marked.sort((a, b) => (created(a) === created(b) ? (a.metadata.name < b.metadata.name ? -1 : 1) : created(a) > created(b) ? -1 : 1));
}
