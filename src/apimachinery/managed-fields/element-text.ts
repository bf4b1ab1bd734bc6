import { isObject } from "#apimachinery/decode/own.ts";
import type { ListSchema } from "#apimachinery/schema/schema.ts";

import type { PathElement } from "./field-set.ts";
import { elementOf } from "./typed.ts";

/** An element of an associative list, as paths have it, and as the name of a member in JSON. */
export interface ElementText {
  readonly element: PathElement;
  readonly json: string;
}

/** Nothing in it is escaped in JSON. */
const PLAIN = /^[\w.\-/:]*$/;

/** `"f:name":` */
export const memberText = (name: string): string => (PLAIN.test(name) ? `"f:${name}":` : `${JSON.stringify(`f:${name}`)}:`);

/** @throws {ElementError} when the element has no key, or cannot have one */
export function elementText(schema: ListSchema, item: unknown): ElementText {
  if (schema.listType === "map" && isObject(item)) {
    const quick = plainKey(schema, item);
    if (quick !== undefined) return quick;
  }
  const element = elementOf(schema, item);
  return { element, json: JSON.stringify(element) };
}

interface KeyPart {
  readonly name: string;
  /** What stands before the value in the element, and in its JSON. */
  readonly start: string;
  readonly jsonStart: string;
}

const keyParts = new WeakMap<ListSchema, readonly KeyPart[]>();

function partsOf(schema: ListSchema): readonly KeyPart[] {
  let parts = keyParts.get(schema);
  if (parts === undefined) {
    parts = [...schema.mapKeys].sort().map((name, i) => {
      const start = `${i === 0 ? "k:{" : ","}${JSON.stringify(name)}:`;
      return { name, start, jsonStart: start.replaceAll('"', '\\"') };
    });
    keyParts.set(schema, parts);
  }
  return parts;
}

/** The keys of nearly all elements are all there, and need no escapes: then no JSON is to be made of JSON. */
function plainKey(schema: ListSchema, item: Readonly<Record<string, unknown>>): ElementText | undefined {
  let [element, json] = ["", '"'];
  for (const { name, start, jsonStart } of partsOf(schema)) {
    const value = item[name];
    if (typeof value === "string") {
      if (!PLAIN.test(value)) return undefined;
      element += `${start}"${value}"`;
      json += `${jsonStart}\\"${value}\\"`;
    } else {
      if (!Number.isSafeInteger(value)) return undefined;
      element += `${start}${String(value)}`;
      json += `${jsonStart}${String(value)}`;
    }
  }
  return element === "" ? undefined : { element: `${element}}`, json: `${json}}"` };
}
