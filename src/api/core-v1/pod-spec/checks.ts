import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from "#apimachinery/validation/names.ts";

/**
 * Where checks put what they find. Most objects have no mistake, so checks push here rather than each allocate a list,
 * and build a child's path only when there is something to say or a list to walk.
 */
export type Errors = FieldError[];

const NO_PATH = new FieldPath();

/** A path for checks whose findings nobody reads, such as those that ask whether an old object was valid. */
export const anyPath = NO_PATH;

/** One `Invalid value` for each message. */
export function pushInvalid(errors: Errors, path: FieldPath, value: unknown, messages: readonly string[]): void {
  for (const message of messages) errors.push(fieldError.invalid(path, value, message));
}

export function checkDnsLabel(errors: Errors, value: string, path: FieldPath): void {
  const messages = isDns1123Label(value);
  if (messages.length > 0) pushInvalid(errors, path, value, messages);
}

export function checkDnsSubdomain(errors: Errors, value: string, path: FieldPath): void {
  const messages = isDns1123Subdomain(value);
  if (messages.length > 0) pushInvalid(errors, path, value, messages);
}

export function checkQualifiedName(errors: Errors, value: string, path: FieldPath): void {
  const messages = isQualifiedName(value);
  if (messages.length > 0) pushInvalid(errors, path, value, messages);
}

/** A field that must not be empty. */
export function checkRequired(errors: Errors, value: string | undefined, path: FieldPath, name: string): void {
  if (!value) errors.push(fieldError.required(path.child(name)));
}

export function checkNonNegative(errors: Errors, value: number | undefined, path: FieldPath, ...names: [string, ...string[]]): void {
  if (value !== undefined && value < 0) errors.push(fieldError.invalid(path.child(...names), value, "must be greater than or equal to 0"));
}

export function checkPositive(errors: Errors, value: number | undefined, path: FieldPath): void {
  if ((value ?? 0) <= 0) errors.push(fieldError.invalid(path, value ?? 0, "must be greater than zero"));
}

/** `allowed` in the order in which it is told. */
export function checkAllowed(errors: Errors, value: string, allowed: readonly string[], path: FieldPath): void {
  if (!allowed.includes(value)) errors.push(fieldError.notSupported(path, value, allowed));
}

export function rangeMessage(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

const FILE_MODE_MAX = 0o777;

export function checkFileMode(errors: Errors, mode: number | undefined, path: FieldPath, name: string): void {
  if (mode !== undefined && (mode > FILE_MODE_MAX || mode < 0)) {
    errors.push(fieldError.invalid(path.child(name), mode, "must be a number between 0 and 0777 (octal), both inclusive"));
  }
}

export function checkNoBacksteps(errors: Errors, target: string, path: FieldPath): void {
  if (hasBackstep(target)) errors.push(fieldError.invalid(path, target, "must not contain '..'"));
}

export function hasBackstep(target: string): boolean {
  return target.includes("..") && target.split("/").includes("..");
}

/** A relative path that does not leave its root. */
export function checkDescendingPath(errors: Errors, target: string, path: FieldPath): void {
  if (target.startsWith("/")) errors.push(fieldError.invalid(path, target, "must be a relative path"));
  checkNoBacksteps(errors, target, path);
}

/** A descending path whose first name is not one that volumes keep for themselves. */
export function checkVolumeFilePath(errors: Errors, target: string, path: FieldPath): void {
  checkDescendingPath(errors, target, path);
  if (target.startsWith("..") && !target.startsWith("../")) errors.push(fieldError.invalid(path, target, "must not start with '..'"));
}

/** Object keys in the order Go gives those of maps when it prints them. */
export function sortedEntries<T>(map: Readonly<Record<string, T>> | undefined): [string, T][] {
  return map === undefined ? [] : Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A map as Go prints it: by key. */
export function sortedMap<T>(map: Readonly<Record<string, T>> | undefined): Record<string, T> | undefined {
  return map === undefined ? undefined : Object.fromEntries(sortedEntries(map));
}
