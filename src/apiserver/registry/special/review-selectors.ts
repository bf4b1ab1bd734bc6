import type { FieldSelectorAttributes, LabelSelectorAttributes, ResourceAttributes } from "#api/authorization-v1/types.ts";
import { type FieldError, fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { type FieldRequirement, FieldSelector, parseFieldSelector } from "#apimachinery/field-selector.ts";
import { parseLabelSelector, selectorOf } from "#apimachinery/label-selector.ts";
import { validateLabelRequirement } from "#apimachinery/validation/selectors.ts";
import type { Attributes } from "#apiserver/authz/authorizer.ts";

/** A question as authorizers take it, and what of it nobody could read. */
export interface Read {
  readonly attributes: Attributes;
  readonly ignored: string;
}

type SelectorPart = FieldSelectorAttributes | LabelSelectorAttributes;
type Requirements = readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | undefined }[];

/** Faults in the selectors that an access review asks about. */
export function selectorErrors(resource: ResourceAttributes | undefined, path: FieldPath): FieldError[] {
  if (!resource) return [];
  const fields = path.child("fieldSelector");
  const labels = path.child("labelSelector");
  return [
    ...partErrors(resource.fieldSelector, fields, fieldRequirementErrors),
    ...partErrors(resource.labelSelector, labels, (requirement, at) => validateLabelRequirement(requirement, at, { allowUnknownOperators: true })),
  ];
}

function partErrors(
  part: SelectorPart | undefined,
  path: FieldPath,
  errorsOf: (requirement: Requirements[number], path: FieldPath) => readonly FieldError[],
): FieldError[] {
  if (!part) return [];
  const { rawSelector = "", requirements } = part;
  const list: Requirements = requirements ?? [];
  const errors: FieldError[] = [];
  if (rawSelector !== "" && list.length > 0) {
    errors.push(fieldError.invalid(path.child("rawSelector"), rawSelector, "may not specified at the same time as requirements"));
  }
  if (rawSelector === "" && list.length === 0) {
    errors.push(fieldError.required(path.child("requirements"), `when ${path.text} is specified, requirements or rawSelector is required`));
  }
  return [...errors, ...list.flatMap((requirement, i) => errorsOf(requirement, path.child("requirements").index(i)))];
}

function fieldRequirementErrors({ key, operator, values = [] }: Requirements[number], path: FieldPath): FieldError[] {
  const errors = key ? [] : [fieldError.required(path.child("key"), "must be specified")];
  const takesValues = operator === "In" || operator === "NotIn";
  if (takesValues && !values?.length) errors.push(fieldError.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"));
  if ((operator === "Exists" || operator === "DoesNotExist") && values?.length) {
    errors.push(fieldError.forbidden(path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  }
  return errors;
}

/**
 * The field selector as requests carry it. What cannot be read is left out: the answer then holds for more than was asked.
 *
 * @returns `ignored`: what was left out, in upstream's words
 */
export function readSelectors({ fieldSelector, labelSelector }: ResourceAttributes): { readonly fieldSelector: string; readonly ignored: string } {
  const fields = fieldsOf(fieldSelector);
  const notes = [note("fieldSelector", fields), note("labelSelector", labelsOf(labelSelector))];
  return { fieldSelector: new FieldSelector(fields.read).toString(), ignored: notes.filter((text) => text !== "").join("; ") };
}

interface Readable<T> {
  readonly read: readonly T[];
  readonly failed: boolean;
}

function note(name: string, { read, failed }: Readable<unknown>): string {
  return failed ? `spec.resourceAttributes.${name} ${read.length > 0 ? "partially " : ""}ignored due to parse error` : "";
}

function fieldsOf(part: FieldSelectorAttributes | undefined): Readable<FieldRequirement> {
  if (part?.rawSelector) return tried(() => parseFieldSelector(part.rawSelector!).requirements);
  const read = (part?.requirements ?? []).flatMap(({ key, operator, values = [] }): FieldRequirement[] =>
    (operator === "In" || operator === "NotIn") && values.length === 1 ? [{ field: key, equals: operator === "In", value: values[0]! }] : [],
  );
  return { read, failed: read.length < (part?.requirements?.length ?? 0) };
}

function labelsOf(part: LabelSelectorAttributes | undefined): Readable<unknown> {
  if (part?.rawSelector) return tried(() => parseLabelSelector(part.rawSelector!).requirements);
  const all = (part?.requirements ?? []).map((requirement) => tried(() => selectorOf({ matchExpressions: [requirement] }).requirements));
  return { read: all.flatMap(({ read }) => read), failed: all.some(({ failed }) => failed) };
}

function tried<T>(read: () => readonly T[]): Readable<T> {
  try {
    return { read: read(), failed: false };
  } catch {
    return { read: [], failed: true };
  }
}
