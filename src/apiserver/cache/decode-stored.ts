import { parseExactly } from "#apimachinery/decode/exact-integers.ts";
import { sharedFields } from "#apimachinery/managed-fields/index.ts";
import { deepFreeze, type KubeObject } from "#apimachinery/object.ts";

/**
 * The frozen object that stored JSON says, for a custom resource with every digit of its integers. Who owns which fields, most of the text and more of the memory, is looked up by
 * its bytes, and parsed only where it is new.
 */
export function decodeStored(json: Buffer, isCustom = false): KubeObject {
  const parse = isCustom ? parseExactly : (text: string): unknown => JSON.parse(text);
  const spans = ownedFields(json);
  if (spans.length === 0) return deepFreeze(parse(json.toString()) as KubeObject);
  const draft = parse(withoutSpans(json, spans)) as KubeObject;
  const entries = draft.metadata.managedFields as { fieldsV1: unknown }[];
  for (const { entry, start, end } of spans) entries[entry]!.fieldsV1 = sharedFields(json.toString("utf8", start, end));
  return deepFreeze(draft);
}

/** The place of one entry's `fieldsV1`. */
interface Span {
  readonly entry: number;
  readonly start: number;
  readonly end: number;
}

const METADATA = Buffer.from('"metadata":{');
const MANAGED_FIELDS = Buffer.from('"managedFields":');
const FIELDS = Buffer.from('"fieldsV1":');
const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [...Buffer.from('"\\,{}[]')];

/** Finds them in JSON without spaces, as we and upstream write it; of other JSON it finds none, or not all. */
function ownedFields(json: Buffer): Span[] {
  const spans: Span[] = [];
  const metadata = json.indexOf(METADATA); // the object's own: it stands near the beginning
  const list = metadata < 0 ? -1 : valueOf(json, metadata + METADATA.length - 1, MANAGED_FIELDS);
  if (json[list] !== OPEN_LIST) return spans;
  let at = list + 1;
  for (let entry = 0; json[at] === OPEN; entry++) {
    const start = valueOf(json, at, FIELDS);
    const end = json[start] === OPEN ? endOfFields(json, start) : at;
    if (end > at) spans.push({ entry, start, end });
    at = json[end] === CLOSE ? end + 1 : endOfValue(json, at);
    if (json[at] === COMMA) at++;
  }
  return spans;
}

/** Objects that come one after the other are mostly of one maker, so that the same text stands in them. */
let lastFields = Buffer.alloc(0);

function endOfFields(json: Buffer, start: number): number {
  const end = start + lastFields.length;
  if (end > start && end <= json.length && json.compare(lastFields, 0, lastFields.length, start, end) === 0) return end;
  const found = endOfValue(json, start);
  lastFields = Buffer.from(json.subarray(start, found));
  return found;
}

/** Where the member's value begins, in the object that begins at `at`; -1 when there is none. */
function valueOf(json: Buffer, at: number, name: Buffer): number {
  for (let key = at + 1; json[key] === QUOTE; key++) {
    if (standsAt(json, key, name)) return key + name.length;
    key = endOfValue(json, endOfText(json, key) + 1);
    if (json[key] !== COMMA) return -1;
  }
  return -1;
}

function standsAt(json: Buffer, at: number, text: Buffer): boolean {
  for (let i = 0; i < text.length; i++) if (json[at + i] !== text[i]) return false;
  return true;
}

/** The place after the value that begins at `start`. */
function endOfValue(json: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfText(json, at) - 1;
    else if (byte === OPEN || byte === OPEN_LIST) depth++;
    else if (byte === CLOSE || byte === CLOSE_LIST) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && byte === COMMA) return at;
  }
  return json.length;
}

/** The place after the text whose first quote is at `start`. */
function endOfText(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** The text with a 0 in the place of each span. */
function withoutSpans(json: Buffer, spans: readonly Span[]): string {
  let text = "";
  let from = 0;
  for (const { start, end } of spans) {
    text += `${json.toString("utf8", from, start)}0`;
    from = end;
  }
  return text + json.toString("utf8", from);
}
