import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";

const FINALIZERS: Readonly<Record<string, string>> = {
  "/persistentvolumes": "kubernetes.io/pv-protection",
  "/persistentvolumeclaims": "kubernetes.io/pvc-protection",
  "storage.k8s.io/volumeattributesclasses": "kubernetes.io/vac-protection",
};

/** Keeps volumes, claims and their classes from going away while they are used. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  handles: ({ operation, resource, subresource }) => operation === "CREATE" && subresource === "" && `${resource.group}/${resource.plural}` in FINALIZERS,
  admit({ object, resource }) {
    const finalizer = FINALIZERS[`${resource.group}/${resource.plural}`]!;
    const present = object!.metadata.finalizers ?? [];
    if (!present.includes(finalizer)) object!.metadata.finalizers = [...present, finalizer];
  },
};
