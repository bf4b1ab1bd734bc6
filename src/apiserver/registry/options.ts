import type { FieldError } from "#apimachinery/field-error.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { PatchType } from "#apiserver/registry/types.ts";

export type FieldValidation = "Ignore" | "Warn" | "Strict";

/** Options of a create, update or patch, checked. */
export interface WriteOptions {
  readonly dryRun: boolean;
  /** `""` when not given. */
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
}

export interface RawWriteOptions {
  readonly dryRun?: readonly string[] | undefined;
  readonly fieldManager?: string | undefined;
  readonly fieldValidation?: string | undefined;
  readonly force?: boolean | undefined;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string | undefined;
  readonly orphanDependents?: boolean | undefined;
  readonly preconditions?: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined } | undefined;
  readonly dryRun?: readonly string[] | undefined;
}

export interface ListOptions {
  readonly watch: boolean;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly limit: number;
  readonly continue: string;
  readonly timeoutSeconds: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

const MAX_FIELD_MANAGER_BYTES = 128;
const root = new FieldPath();
const META = "meta.k8s.io";

/** @throws {StatusError} 422 of kind CreateOptions, UpdateOptions or PatchOptions */
export function checkedWriteOptions(kind: "Create" | "Update" | "Patch", raw: RawWriteOptions, patchType?: PatchType): WriteOptions {
  const fieldManager = raw.fieldManager ?? "";
  const errors: FieldError[] = [];
  if (kind === "Patch" && patchType === "apply" && fieldManager === "") {
    errors.push(fieldError.required(root.child("fieldManager"), "is required for apply patch"));
  } else if (kind === "Patch" && patchType !== "apply" && raw.force !== undefined) {
    errors.push(fieldError.forbidden(root.child("force"), "may not be specified for non-apply patch"));
  }
  errors.push(...fieldManagerErrors(fieldManager), ...dryRunErrors(raw.dryRun));
  const validation = raw.fieldValidation ?? "";
  if (!["", "Ignore", "Warn", "Strict"].includes(validation)) {
    errors.push(fieldError.notSupported(root.child("fieldValidation"), validation, ["", "Ignore", "Strict", "Warn"]));
  }
  if (errors.length > 0) throw statusError.invalid({ group: META, kind: `${kind}Options` }, "", errors);
  return {
    dryRun: (raw.dryRun?.length ?? 0) > 0,
    fieldManager,
    fieldValidation: validation === "" ? "Warn" : (validation as FieldValidation),
    force: raw.force ?? false,
  };
}

/** @throws {StatusError} 422 of kind DeleteOptions */
export function checkDeleteOptions(options: DeleteOptions): void {
  const errors: FieldError[] = [];
  const { propagationPolicy: policy } = options;
  const path = root.child("propagationPolicy");
  if (options.orphanDependents !== undefined && policy !== undefined) {
    errors.push(fieldError.invalid(path, policy, "orphanDependents and deletionPropagation cannot be both set"));
  }
  if (policy !== undefined && !["Foreground", "Background", "Orphan"].includes(policy)) {
    errors.push(fieldError.notSupported(path, policy, ["Foreground", "Background", "Orphan", "nil"]));
  }
  errors.push(...dryRunErrors(options.dryRun));
  if (errors.length > 0) throw statusError.invalid({ group: META, kind: "DeleteOptions" }, "", errors);
}

/** @throws {StatusError} 422 of kind ListOptions */
export function checkListOptions(options: ListOptions): void {
  const errors = options.watch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw statusError.invalid({ group: META, kind: "ListOptions" }, "", errors);
}

function listErrors(options: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  const { resourceVersionMatch: match, resourceVersion } = options;
  const path = root.child("resourceVersionMatch");
  if (match !== "") {
    if (resourceVersion === "") errors.push(fieldError.forbidden(path, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if (options.continue !== "") errors.push(fieldError.forbidden(path, CONTINUED));
    if (match !== "Exact" && match !== "NotOlderThan") errors.push(fieldError.notSupported(path, match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && resourceVersion === "0") {
      errors.push(fieldError.forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(fieldError.forbidden(root.child("sendInitialEvents"), "sendInitialEvents is forbidden for list"));
  }
  return errors;
}

function watchErrors(options: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  const { resourceVersionMatch: match, sendInitialEvents } = options;
  const path = root.child("resourceVersionMatch");
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    errors.push(fieldError.forbidden(path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match === "") return isContinuedWatch(options) ? [fieldError.forbidden(path, CONTINUED)] : errors;
  if (sendInitialEvents === undefined) {
    errors.push(fieldError.forbidden(path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (match !== "NotOlderThan") errors.push(fieldError.notSupported(path, match, ["NotOlderThan"]));
  if (options.continue !== "") errors.push(fieldError.forbidden(path, CONTINUED));
  return errors;
}

const CONTINUED = "resourceVersionMatch is forbidden when continue is provided";

/** A watch that begins with what there is has that match by default. */
function isContinuedWatch({ continue: token, resourceVersion, sendInitialEvents }: ListOptions): boolean {
  return token !== "" && sendInitialEvents === undefined && (resourceVersion === "" || resourceVersion === "0");
}

function dryRunErrors(dryRun: readonly string[] | undefined): FieldError[] {
  if (dryRun === undefined || dryRun.every((value) => value === "All")) return [];
  return [fieldError.notSupported(root.child("dryRun"), dryRun, ["All"])];
}

function fieldManagerErrors(fieldManager: string): FieldError[] {
  const path = root.child("fieldManager");
  const errors: FieldError[] = [];
  if (Buffer.byteLength(fieldManager) > MAX_FIELD_MANAGER_BYTES) errors.push(fieldError.tooLong(path, MAX_FIELD_MANAGER_BYTES));
  let position = 0;
  for (const rune of fieldManager) {
    if (!isPrintable(rune)) errors.push(fieldError.invalid(path, fieldManager, `invalid character ${runeText(rune)} (at position ${position})`));
    position += Buffer.byteLength(rune);
  }
  return errors;
}

/** Letters, marks, numbers, punctuation, symbols and the ASCII space: Go's `unicode.IsPrint`. */
function isPrintable(rune: string): boolean {
  return rune === " " || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(rune);
}

/** Go's `%#U`: the code point, and the character when it can be printed. */
function runeText(rune: string): string {
  return `U+${rune.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}
