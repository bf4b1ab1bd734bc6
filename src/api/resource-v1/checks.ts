import { checkDnsSubdomain, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { regexMessage } from "#apimachinery/validation/names.ts";
import { checkDriverName } from "#api/storage-v1/validate.ts";

/** @see kubernetes pkg/apis/resource/types.go */
const MAX_POOL_NAME = 253;
export const MAX_ID = 32;
const MAX_DOMAIN = 63;
/** How much of a map's key a path shows. */
const MAX_SHOWN_NAME = MAX_DOMAIN + 1 + MAX_ID;

const C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*";
const C_IDENTIFIER_RE = new RegExp(`^${C_IDENTIFIER}$`);
const UUID_RE = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Each item of a list that may have so many; of one that has more, nothing else is said. */
export function checkItems<T>(
  errors: Errors,
  items: readonly T[] | undefined,
  max: number | undefined,
  path: FieldPath,
  check: (item: T, path: FieldPath) => void,
): boolean {
  const count = items?.length ?? 0;
  if (max !== undefined && count > max) {
    errors.push(fieldError.tooMany(path, count, max));
    return false;
  }
  for (const [i, item] of (items ?? []).entries()) check(item, path.index(i));
  return true;
}

/** The same, of a list in which no key is there twice. */
export function checkSet<T>(
  errors: Errors,
  items: readonly T[] | undefined,
  { max, path, keyOf }: { readonly max: number | undefined; readonly path: FieldPath; readonly keyOf: (item: T) => string },
  check: (item: T, path: FieldPath) => void,
): void {
  if (!checkItems(errors, items, max, path, check)) return;
  const seen = new Set<string>();
  for (const [i, item] of (items ?? []).entries()) {
    const key = keyOf(item);
    if (seen.has(key)) errors.push(fieldError.duplicate(path.index(i), key));
    seen.add(key);
  }
}

export function checkPoolName(errors: Errors, name: string, path: FieldPath): void {
  if (name === "") return void errors.push(fieldError.required(path));
  if (name.length > MAX_POOL_NAME) errors.push(fieldError.tooLong(path, MAX_POOL_NAME));
  for (const part of name.split("/")) checkDnsSubdomain(errors, part, path);
}

/** `name`, or `domain/name`. What has more parts is not looked at, as upstream does not. */
export function checkQualifiedDeviceName(errors: Errors, name: string, path: FieldPath): void {
  const [first = "", second, ...more] = name.split("/");
  if (more.length > 0) return;
  if (second === undefined) return checkCIdentifier(errors, first, path);
  if (first === "") errors.push(fieldError.invalid(path, "", "the domain must not be empty"));
  else checkDriverName(errors, first, path);
  if (second === "") errors.push(fieldError.invalid(path, "", "the name must not be empty"));
  else checkCIdentifier(errors, second, path);
}

export function checkFullName(errors: Errors, name: string, path: FieldPath): void {
  checkQualifiedDeviceName(errors, name, path);
  if (!name.includes("/")) errors.push(fieldError.invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash"));
}

function checkCIdentifier(errors: Errors, id: string, path: FieldPath): void {
  if (id.length > MAX_ID) errors.push(fieldError.tooLong(path, MAX_ID));
  if (C_IDENTIFIER_RE.test(id)) return;
  const what = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  pushInvalid(errors, path, id, [regexMessage(what, C_IDENTIFIER, "my_name", "MY_NAME", "MyName")]);
}

export function checkUid(errors: Errors, uid: string, path: FieldPath): void {
  if (!UUID_RE.test(uid)) {
    const why = uid.length === 36 ? "invalid UUID format" : `invalid UUID length: ${uid.length}`;
    errors.push(fieldError.invalid(path, uid, `error validating uid: ${why}`));
  } else if (uid !== uid.toLowerCase()) {
    const form = "`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters";
    errors.push(fieldError.invalid(path, uid, `uid must be in RFC 4122 normalized form, ${form}`));
  }
}

/** JSON that is kept as it came: an object, of limited length. */
export function checkRaw(errors: Errors, value: unknown, maxBytes: number, path: FieldPath): void {
  if (value === undefined || value === null) errors.push(fieldError.required(path));
  else if (Buffer.byteLength(JSON.stringify(value)) > maxBytes) errors.push(fieldError.tooLong(path, maxBytes));
  else if (typeof value !== "object" || Array.isArray(value)) errors.push(fieldError.invalid(path, "<value omitted>", "must be a valid JSON object"));
}

/** A key of a map as a path shows it: the middle of what is too long is left out. */
export function shownKey(key: string): string {
  if (key.length <= MAX_SHOWN_NAME) return key;
  const remaining = MAX_SHOWN_NAME - 3;
  return `${key.slice(0, Math.floor((remaining + 1) / 2))}...${key.slice(key.length - Math.floor(remaining / 2))}`;
}
