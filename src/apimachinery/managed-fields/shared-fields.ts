import type { JsonObject } from "#apimachinery/decode/own.ts";
import { deepFreeze } from "#apimachinery/object.ts";

/** Owners' fields are alike: a program that writes a thousand objects writes the same fields of each. */
const MAX_SHARED = 1000;
/** A text this long is one object's own. */
const MAX_SHARED_CHARACTERS = 16 * 1024;

const shared = new Map<string, JsonObject>();
const texts = new WeakMap<object, string>();

/** The text of shared fields, as long as they are shared: who writes an object need not make it again. */
export function textOfShared(fields: object): string | undefined {
  return texts.get(fields);
}

/**
 * FieldsV1 as one frozen object for all that have this content: in an ordinary Pod they are two thirds of its memory.
 *
 * @param text JSON; equal sets written differently are two
 * @param parsed what the text says, where it is there already
 */
export function sharedFields(text: string, parsed?: JsonObject): JsonObject {
  const known = shared.get(text);
  if (known !== undefined) return known;
  const fields = deepFreeze(parsed ?? (JSON.parse(text) as JsonObject));
  if (text.length > MAX_SHARED_CHARACTERS) return fields;
  if (shared.size >= MAX_SHARED) shared.delete(shared.keys().next().value!);
  shared.set(text, fields);
  texts.set(fields, text);
  return fields;
}
