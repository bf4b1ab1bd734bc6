import type { CSIDriver, StorageClass } from "#api/storage-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

/** @see kubernetes pkg/apis/storage/v1/defaults.go */
export function applyStorageClassDefaults(storageClass: Mutable<StorageClass>): void {
  storageClass.reclaimPolicy ??= "Delete";
  storageClass.volumeBindingMode ??= "Immediate";
}

export function applyCSIDriverDefaults({ spec }: Mutable<CSIDriver>): void {
  if (!spec) return;
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
  if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ["Persistent"];
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
}
