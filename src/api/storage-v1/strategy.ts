import type { CSIDriver, StorageClass } from "#api/storage-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyCSIDriverDefaults, applyStorageClassDefaults } from "./defaults.ts";

/** @see kubernetes pkg/registry/storage */
export const storageClassStrategy: Strategy<StorageClass> = { applyDefaults: applyStorageClassDefaults };
export const csiDriverStrategy: Strategy<CSIDriver> = { allowUnconditionalUpdate: false, applyDefaults: applyCSIDriverDefaults };
