import { type FieldError, FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { DeepPartial } from "#apimachinery/object.ts";
import type { Condition, ManagedFieldsEntry, ObjectMeta, OwnerReference } from "#apimachinery/meta-v1/types.ts";

import { isConditionReason, isLabelValue, isQualifiedName, nameIsDnsLabel, nameIsDnsSubdomain } from "./names.ts";

type Meta = DeepPartial<ObjectMeta>;
type ValidateName = (name: string, isPrefix: boolean) => string[];
type StringMap = Readonly<Record<string, string | undefined>>;

const MAX_ANNOTATION_BYTES = 256 * 1024;
const MAX_FIELD_MANAGER = 128;
const MAX_SUBRESOURCE = 256;
const MAX_REASON = 1024;
const MAX_MESSAGE = 32 * 1024;

const METADATA = new FieldPath("metadata");

/** @see apimachinery pkg/api/validation/objectmeta.go */
export function validateObjectMeta(
  meta: Meta,
  { namespaced, validateName = nameIsDnsSubdomain, path = METADATA }: { namespaced: boolean; validateName?: ValidateName | undefined; path?: FieldPath },
): FieldError[] {
  const errors = validateNames(meta, validateName, path);
  errors.push(...validateNamespace(meta.namespace ?? "", namespaced, path.child("namespace")));
  errors.push(...validateNonnegative(meta.generation ?? 0, path.child("generation")));
  if (meta.labels) errors.push(...validateLabels(meta.labels, path.child("labels")));
  if (meta.annotations) errors.push(...validateAnnotations(meta.annotations, path.child("annotations")));
  if (meta.ownerReferences) errors.push(...validateOwnerReferences(meta.ownerReferences, path.child("ownerReferences")));
  if (meta.finalizers) errors.push(...validateFinalizers(meta.finalizers, path.child("finalizers")));
  if (meta.managedFields) errors.push(...validateManagedFields(meta.managedFields, path.child("managedFields")));
  return errors;
}

/** What an update may not do to metadata. The kind's own form of names was checked when it was created. */
export function validateObjectMetaUpdate(meta: Meta, old: Meta, path: FieldPath = METADATA): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) errors.push(...validateNoNewFinalizers(meta.finalizers ?? [], old.finalizers ?? [], path.child("finalizers")));
  if (!meta.resourceVersion) errors.push(fieldError.invalid(path.child("resourceVersion"), "", "must be specified for an update"));
  if ((meta.generation ?? 0) < (old.generation ?? 0))
    errors.push(fieldError.invalid(path.child("generation"), meta.generation ?? 0, "must not be decremented"));
  for (const { field, zero } of IMMUTABLE) {
    if ((meta[field] ?? zero) !== (old[field] ?? zero)) errors.push(fieldError.invalid(path.child(field), meta[field] ?? zero, FIELD_IMMUTABLE));
  }
  return [
    ...errors,
    ...validateLabels(meta.labels, path.child("labels")),
    ...validateAnnotations(meta.annotations, path.child("annotations")),
    ...validateOwnerReferences(meta.ownerReferences, path.child("ownerReferences")),
    ...validateManagedFields(meta.managedFields, path.child("managedFields")),
  ];
}

export const FIELD_IMMUTABLE = "field is immutable";

/** In upstream's order; `zero` is what Go has where nothing is given. */
const IMMUTABLE = [
  { field: "name", zero: "" },
  { field: "namespace", zero: "" },
  { field: "uid", zero: "" },
  { field: "creationTimestamp", zero: null },
  { field: "deletionTimestamp", zero: null },
  { field: "deletionGracePeriodSeconds", zero: null },
] as const;

function validateNames({ name, generateName }: Meta, validateName: ValidateName, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (generateName) errors.push(...invalids(path.child("generateName"), generateName, validateName(generateName, true)));
  if (!name) errors.push(fieldError.required(path.child("name"), "name or generateName is required"));
  else errors.push(...invalids(path.child("name"), name, validateName(name, false)));
  return errors;
}

function validateNamespace(namespace: string, namespaced: boolean, path: FieldPath): FieldError[] {
  if (!namespaced) return namespace === "" ? [] : [fieldError.forbidden(path, "not allowed on this type")];
  return namespace === "" ? [fieldError.required(path)] : invalids(path, namespace, nameIsDnsLabel(namespace, false));
}

function validateNonnegative(value: number, path: FieldPath): FieldError[] {
  return value < 0 ? [fieldError.invalid(path, value, "must be greater than or equal to 0")] : [];
}

export function validateLabelName(name: string, path: FieldPath): FieldError[] {
  return invalids(path, name, isQualifiedName(name));
}

export function validateLabels(labels: StringMap | null | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value = ""] of Object.entries(labels ?? {})) errors.push(...validateLabelName(key, path), ...invalids(path, value, isLabelValue(value)));
  return errors;
}

export function validateAnnotations(annotations: StringMap | null | undefined, path: FieldPath): FieldError[] {
  let bytes = 0;
  const errors = Object.entries(annotations ?? {}).flatMap(([key, value = ""]) => {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    return invalids(path, key, isQualifiedName(key.toLowerCase()));
  });
  if (bytes > MAX_ANNOTATION_BYTES) errors.push(fieldError.tooLong(path, MAX_ANNOTATION_BYTES));
  return errors;
}

function validateOwnerReferences(references: readonly DeepPartial<OwnerReference>[] | null | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const reference of references ?? []) {
    errors.push(...validateOwnerReference(reference, path));
    if (!reference.controller) continue;
    const name = `${reference.kind ?? ""}/${reference.name ?? ""}`;
    if (controller !== undefined) {
      const why = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(fieldError.invalid(path, references, why));
    } else controller = name;
  }
  return errors;
}

function validateOwnerReference(reference: DeepPartial<OwnerReference>, path: FieldPath): FieldError[] {
  const { apiVersion = "", kind = "", name = "", uid = "" } = reference;
  const errors: FieldError[] = [];
  const slashes = apiVersion.split("/").length - 1;
  if (apiVersion === "" || slashes > 1 || apiVersion.endsWith("/"))
    errors.push(fieldError.invalid(path.child("apiVersion"), apiVersion, "version must not be empty"));
  if (kind === "") errors.push(fieldError.invalid(path.child("kind"), kind, "must not be empty"));
  if (name === "") errors.push(fieldError.invalid(path.child("name"), name, "must not be empty"));
  if (uid === "") errors.push(fieldError.invalid(path.child("uid"), uid, "must not be empty"));
  if (apiVersion === "v1" && kind === "Event") errors.push(fieldError.invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner"));
  return errors;
}

export function validateFinalizers(finalizers: readonly string[] | null | undefined, path: FieldPath): FieldError[] {
  const list = finalizers ?? [];
  const errors = list.flatMap((finalizer) => invalids(path, finalizer, isQualifiedName(finalizer)));
  if (list.includes("orphan") && list.includes("foregroundDeletion")) {
    errors.push(fieldError.invalid(path, list, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}

function validateNoNewFinalizers(finalizers: readonly string[], old: readonly string[], path: FieldPath): FieldError[] {
  const added = [...new Set(finalizers)].filter((finalizer) => !old.includes(finalizer)).sort();
  if (added.length === 0) return [];
  const found = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(", ")}}`;
  return [fieldError.forbidden(path, `no new finalizers can be added if the object is being deleted, found new finalizers ${found}`)];
}

function validateManagedFields(entries: readonly DeepPartial<ManagedFieldsEntry>[] | null | undefined, path: FieldPath): FieldError[] {
  return (entries ?? []).flatMap(({ operation = "", fieldsType = "", manager = "", subresource = "" }, i) => {
    const at = path.index(i);
    const errors: FieldError[] = [];
    if (operation !== "Apply" && operation !== "Update") errors.push(fieldError.invalid(at.child("operation"), operation, "must be `Apply` or `Update`"));
    if (fieldsType !== "" && fieldsType !== "FieldsV1") errors.push(fieldError.invalid(at.child("fieldsType"), fieldsType, "must be `FieldsV1`"));
    errors.push(...validateFieldManager(manager, at.child("manager")));
    if (Buffer.byteLength(subresource) > MAX_SUBRESOURCE) errors.push(fieldError.tooLong(at.child("subresource"), MAX_SUBRESOURCE));
    return errors;
  });
}

function validateFieldManager(manager: string, path: FieldPath): FieldError[] {
  if (manager.length <= MAX_FIELD_MANAGER && PRINTABLE_ASCII.test(manager)) return [];
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > MAX_FIELD_MANAGER) errors.push(fieldError.tooLong(path, MAX_FIELD_MANAGER));
  let position = 0;
  for (const char of manager) {
    if (!isPrintable(char)) errors.push(fieldError.invalid(path, manager, `invalid character ${codePointName(char)} (at position ${position})`));
    position += Buffer.byteLength(char);
  }
  return errors;
}

const PRINTABLE_ASCII = /^[ -~]*$/;
/** As Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and of spaces the plain one. */
const isPrintable = (char: string) => char === " " || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char);
const codePointName = (char: string) => `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;

export function validateConditions(conditions: readonly DeepPartial<Condition>[] | null | undefined, path: FieldPath): FieldError[] {
  const types = new Set<string>();
  return (conditions ?? []).flatMap((condition, i) => {
    const type = condition.type ?? "";
    const repeated = types.has(type) ? [fieldError.duplicate(path.index(i).child("type"), type)] : [];
    types.add(type);
    return [...repeated, ...validateCondition(condition, path.index(i))];
  });
}

function validateCondition(
  { type = "", status = "", observedGeneration = 0, lastTransitionTime, reason = "", message = "" }: DeepPartial<Condition>,
  path: FieldPath,
): FieldError[] {
  const errors = validateLabelName(type, path.child("type"));
  if (!["False", "True", "Unknown"].includes(status)) errors.push(fieldError.notSupported(path.child("status"), status, ["False", "True", "Unknown"]));
  if (observedGeneration < 0) errors.push(fieldError.invalid(path.child("observedGeneration"), observedGeneration, "must be greater than or equal to zero"));
  if (!lastTransitionTime) errors.push(fieldError.required(path.child("lastTransitionTime")));
  if (reason === "") errors.push(fieldError.required(path.child("reason")));
  else errors.push(...invalids(path.child("reason"), reason, isConditionReason(reason)));
  if (Buffer.byteLength(reason) > MAX_REASON) errors.push(fieldError.tooLong(path.child("reason"), MAX_REASON));
  if (Buffer.byteLength(message) > MAX_MESSAGE) errors.push(fieldError.tooLong(path.child("message"), MAX_MESSAGE));
  return errors;
}

const invalids = (path: FieldPath, value: unknown, messages: readonly string[]): FieldError[] =>
  messages.map((message) => fieldError.invalid(path, value, message));
