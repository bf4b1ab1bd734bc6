import type { LimitRange, LimitRangeItem } from "#api/core-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { canonicalQuantity, parseQuantity, toNumber } from "#apimachinery/quantity.ts";
import { isQualifiedName } from "#apimachinery/validation/names.ts";

import { type Errors, pushInvalid, sortedEntries } from "../pod-spec/checks.ts";
import { compareQuantities } from "../pod-spec/quantities.ts";
import type { ResourceList } from "../pod-spec/resource-list.ts";
import { checkContainerResourceName, checkResourceName, isOvercommitAllowed } from "../pod-spec/validate-resources.ts";

const LIMITS = new FieldPath("spec.limits");
const STANDARD_TYPES = ["Pod", "Container", "PersistentVolumeClaim"];
const POD_MAY_NOT = "may not be specified when `type` is 'Pod'";

/** @see kubernetes pkg/apis/core/validation/validation.go ValidateLimitRange */
export function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const errors: Errors = [];
  const types = new Set<string>();
  for (const [i, item] of (spec.limits ?? []).entries()) {
    const path = LIMITS.index(i);
    validateType(errors, item.type, path.child("type"));
    if (types.has(item.type)) errors.push(fieldError.duplicate(path.child("type"), item.type));
    types.add(item.type);
    validateLists(errors, item, path);
    validateOrder(errors, item, path);
  }
  return errors;
}

function validateType(errors: Errors, type: string, path: FieldPath): void {
  const messages = isQualifiedName(type);
  pushInvalid(errors, path, type, messages);
  if (messages.length > 0 || type.includes("/") || STANDARD_TYPES.includes(type)) return;
  errors.push(fieldError.invalid(path, type, "must be a standard limit type or fully qualified"));
}

function validateLists(errors: Errors, item: LimitRangeItem, path: FieldPath): void {
  const { type, max, min, default: limits, defaultRequest, maxLimitRequestRatio } = item;
  const checkName = type === "Pod" || type === "Container" ? checkContainerResourceName : checkResourceName;
  const checkNames = (name: string, list: ResourceList | undefined) => {
    for (const [resource] of sortedEntries(list)) checkName(errors, resource, path.child(name).key(resource));
  };
  checkNames("max", max);
  checkNames("min", min);
  for (const [name, list] of Object.entries({ default: limits, defaultRequest })) {
    if (type !== "Pod") checkNames(name, list);
    else if (Object.keys(list ?? {}).length > 0) errors.push(fieldError.forbidden(path.child(name), POD_MAY_NOT));
  }
  if (type === "PersistentVolumeClaim" && min?.["storage"] === undefined && max?.["storage"] === undefined) {
    errors.push(fieldError.required(path.child("limits"), "either minimum or maximum storage value is required, but neither was provided"));
  }
  checkNames("maxLimitRequestRatio", maxLimitRequestRatio);
}

type ListName = "min" | "max" | "default" | "defaultRequest";

interface Order {
  readonly lower: ListName;
  readonly upper: ListName;
  /** Where it is told, and with whose value. */
  readonly at: ListName;
  readonly told: ListName;
  readonly text: (lower: string, upper: string) => string;
}

/** What may not be greater than what, in upstream's order. */
const ORDERS: readonly Order[] = [
  { lower: "min", upper: "max", at: "min", told: "min", text: (a, b) => `min value ${a} is greater than max value ${b}` },
  {
    lower: "min",
    upper: "defaultRequest",
    at: "defaultRequest",
    told: "defaultRequest",
    text: (a, b) => `min value ${a} is greater than default request value ${b}`,
  },
  {
    lower: "defaultRequest",
    upper: "max",
    at: "defaultRequest",
    told: "defaultRequest",
    text: (a, b) => `default request value ${a} is greater than max value ${b}`,
  },
  {
    lower: "defaultRequest",
    upper: "default",
    at: "defaultRequest",
    told: "defaultRequest",
    text: (a, b) => `default request value ${a} is greater than default limit value ${b}`,
  },
  { lower: "min", upper: "default", at: "default", told: "min", text: (a, b) => `min value ${a} is greater than default value ${b}` },
  { lower: "default", upper: "max", at: "default", told: "max", text: (a, b) => `default value ${a} is greater than max value ${b}` },
];

function validateOrder(errors: Errors, item: LimitRangeItem, path: FieldPath): void {
  const { type, max, min, maxLimitRequestRatio } = item;
  const lists = { max, min, ...(type !== "Pod" && { default: item.default, defaultRequest: item.defaultRequest }) } as Partial<Record<ListName, ResourceList>>;
  const names = new Set([...Object.values(lists), maxLimitRequestRatio].flatMap((list) => Object.keys(list ?? {})));
  for (const name of [...names].sort()) {
    for (const { lower, upper, at, told, text } of ORDERS) {
      const [a, b] = [lists[lower]?.[name], lists[upper]?.[name]];
      if (a === undefined || b === undefined || compareQuantities(a, b) <= 0) continue;
      errors.push(fieldError.invalid(path.child(at).key(name), quantityOf(lists[told]![name]!), text(quantityOf(a), quantityOf(b))));
    }
    checkRatio(errors, maxLimitRequestRatio?.[name], min?.[name], max?.[name], path.child("maxLimitRequestRatio").key(name));
    const [limit, request] = [lists.default?.[name], lists.defaultRequest?.[name]];
    if (isOvercommitAllowed(name) || limit === undefined || request === undefined || compareQuantities(limit, request) === 0) continue;
    const why = `default value ${quantityOf(limit)} must equal to defaultRequest value ${quantityOf(request)} in ${name}`;
    errors.push(fieldError.invalid(path.child("defaultRequest").key(name), quantityOf(request), why));
  }
}

const quantityOf = canonicalQuantity;

function checkRatio(errors: Errors, ratio: string | undefined, min: string | undefined, max: string | undefined, path: FieldPath): void {
  if (ratio === undefined) return;
  const told = quantityOf(ratio);
  if (compareQuantities(ratio, "1") < 0) errors.push(fieldError.invalid(path, told, `ratio ${told} is less than 1`));
  if (min === undefined || max === undefined) return;
  const most = counted(max) / counted(min);
  if (counted(ratio) > most) errors.push(fieldError.invalid(path, told, `ratio ${told} is greater than max/min = ${most.toFixed(6)}`));
}

/** What is too much for 64 bits counts as nothing, as upstream has it. */
function counted(text: string): number {
  const value = toNumber(parseQuantity(text));
  return Math.abs(value) < 2 ** 63 ? value : 0;
}
