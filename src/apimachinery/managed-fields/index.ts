export { type Applied, type ApplyConfiguration, LAST_APPLIED, applyConfiguration, describeConfiguration } from "./apply.ts";
export { FieldSet } from "./field-set.ts";
export { overlay, OverlayError } from "./overlay.ts";
export { managersOfScaled, scaleManagers } from "./scale.ts";
export { sharedFields, textOfShared } from "./shared-fields.ts";
export { type Managed, type RecordUpdate, emptyObject, isReset, recordUpdate } from "./update.ts";
export type { OtherVersion, OtherVersions } from "./versions.ts";
