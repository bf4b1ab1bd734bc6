import { isObject, type JsonObject, getOwn, setOwn } from "#apimachinery/decode/own.ts";
import { failure, statusError } from "#apimachinery/status-error.ts";

import { type PatchBody, jsonKind, parsePatch, rejected } from "./patch-body.ts";

export interface JsonPatchOperation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly from?: unknown;
  readonly value?: unknown;
}

const MAX_OPERATIONS = 10_000;
/** What all `copy` operations of a patch may add together. */
const MAX_COPIED_BYTES = 3 * 1024 * 1024;
const MEMBERS = new Set(["op", "path", "from", "value"]);

/** @throws {StatusError} with upstream's words for a body that is no JSON patch */
export function parseJsonPatch(text: string, exact = false): PatchBody<readonly (JsonPatchOperation | null)[]> {
  const { value, duplicates } = parsePatch(text, "error decoding patch: ", exact);
  const notA = (what: unknown, type: string) =>
    statusError.badRequest(`error decoding patch: json: cannot unmarshal ${jsonKind(what)} into Go value of type ${type}`);
  if (value === null) return { patch: [], strictErrors: [] };
  if (!Array.isArray(value)) throw notA(value, "[]handlers.jsonPatchOp");
  const wrong = value.find((operation) => operation !== null && !isObject(operation));
  if (wrong !== undefined) throw notA(wrong, "handlers.jsonPatchOp");
  if (value.length > MAX_OPERATIONS) {
    throw failure(
      413,
      "RequestEntityTooLarge",
      `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${value.length}`,
    );
  }
  const repeated = duplicates.map((path) => `json patch duplicate field "${path}"`);
  const unknown = value.flatMap((operation, i) =>
    Object.keys(operation ?? {})
      .filter((member) => !MEMBERS.has(member))
      .map((member) => `json patch unknown field "[${i}].${member}"`),
  );
  return { patch: value, strictErrors: [...repeated, ...unknown] };
}

/**
 * Applies RFC 6902 as the library does that upstream uses: `replace` makes a missing member, a missing member tests equal to
 * null, a missing `value` is null, indexes may be negative or have leading zeros, and a path need not begin with a slash.
 *
 * @returns a new document; it shares what did not change with `document`
 * @throws {StatusError} 422 when an operation does not apply
 */
export function applyJsonPatch(document: unknown, operations: readonly (JsonPatchOperation | null)[]): unknown {
  let copiedBytes = 0;
  for (const operation of operations) {
    if (operation === null || typeof operation.path !== "string") throw rejected();
    if (operation.op === "copy") {
      copiedBytes += JSON.stringify(valueAt(document, operation.from) ?? null).length;
      if (copiedBytes > MAX_COPIED_BYTES) throw rejected();
    }
    document = applyOperation(document, operation, operation.path);
  }
  return document;
}

function applyOperation(document: unknown, { op, from, value = null }: JsonPatchOperation, path: string): unknown {
  switch (op) {
    case "add":
      return edit(document, path, (container, key) => withAdded(container, key, value));
    case "remove":
      return edit(document, path, withRemoved);
    case "replace":
      if (path === "") return isObject(value) || Array.isArray(value) ? value : fail();
      return edit(document, path, (container, key) => withReplaced(container, key, value));
    case "test":
      return equalJson(path === "" ? document : valueAt(document, path), value) ? document : fail();
    case "copy": {
      const copied = valueAt(document, from);
      return edit(document, path, (container, key) => withAdded(container, key, copied));
    }
    case "move": {
      const moved = valueAt(document, from);
      return edit(edit(document, from as string, withRemoved), path, (container, key) => withAdded(container, key, moved));
    }
    default:
      return fail();
  }
}

type Container = JsonObject | readonly unknown[];

const fail = (): never => {
  throw rejected();
};

/** The document with the container that holds `path`'s last key replaced by what `change` makes of it. */
function edit(document: unknown, path: string, change: (container: Container, key: string) => Container): Container {
  const keys = keysOf(path);
  const editBelow = (container: unknown, depth: number): Container => {
    if (!isContainer(container)) return fail();
    const key = keys[depth]!;
    if (depth === keys.length - 1) return change(container, key);
    return withReplaced(container, key, editBelow(childOf(container, key), depth + 1));
  };
  return editBelow(document, 0);
}

function valueAt(document: unknown, path: unknown): unknown {
  if (typeof path !== "string") return fail();
  let value = document;
  for (const key of keysOf(path)) {
    if (!isContainer(value)) return fail();
    value = childOf(value, key);
  }
  return value ?? null;
}

/** What stands before the first slash is not looked at. */
function keysOf(path: string): string[] {
  const keys = path.split("/").slice(1);
  if (keys.length === 0) return fail();
  return keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const isContainer = (value: unknown): value is Container => typeof value === "object" && value !== null;

function childOf(container: Container, key: string): unknown {
  return isArray(container) ? container[indexOf(key, container.length, container.length - 1)] : getOwn(container, key);
}

function withAdded(container: Container, key: string, value: unknown): Container {
  if (!isArray(container)) return withMember(container, key, value);
  const at = key === "-" ? container.length : indexOf(key, container.length + 1, container.length);
  return container.toSpliced(at, 0, value);
}

function withReplaced(container: Container, key: string, value: unknown): Container {
  return isArray(container) ? container.with(indexOf(key, container.length, container.length - 1), value) : withMember(container, key, value);
}

function withRemoved(container: Container, key: string): Container {
  if (isArray(container)) return container.toSpliced(indexOf(key, container.length, container.length - 1), 1);
  if (!Object.hasOwn(container, key)) return fail();
  const rest: JsonObject = {};
  for (const name of Object.keys(container)) if (name !== key) setOwn(rest, name, container[name]);
  return rest;
}

function withMember(object: JsonObject, key: string, value: unknown): JsonObject {
  const copy = { ...object };
  setOwn(copy, key, value);
  return copy;
}

const isArray = (container: Container): container is readonly unknown[] => Array.isArray(container);

/** @param size what a negative index counts from; @param last the highest index there may be */
function indexOf(key: string, size: number, last: number): number {
  if (!/^[+-]?[0-9]+$/.test(key)) return fail();
  const index = Number(key) < 0 ? Number(key) + size : Number(key);
  return index >= 0 && index <= last ? index : fail();
}

export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]));
}
