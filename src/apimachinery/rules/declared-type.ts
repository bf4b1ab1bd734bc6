import { additionalOf, itemsOf, type JsonSchema } from "#apimachinery/structural/json-schema.ts";
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP } from "#lib/cel/types.ts";

import { escapeName } from "./escape.ts";
import { withTypeMeta } from "./type-meta.ts";

/** The largest request that a server takes, in bytes: whatever has no bound of its own has this one. */
export const MAX_REQUEST_BYTES = 3 * 1024 * 1024;

const MAX_TIME_LENGTH = 32;
const DATE_LENGTH = 12;
const MIN_TIME_LENGTH = 21;
const MIN_DURATION_LENGTH = 3;
/** Up to so many bytes are one character. */
const BYTES_PER_CHARACTER = 4;

/** What expressions know of a schema: a type, and how large its values may be. */
export interface DeclaredType {
  /** Of what has no parts. */
  readonly scalar?: CelType;
  /** By the names that expressions use. */
  readonly fields?: ReadonlyMap<string, DeclaredType>;
  readonly keys?: DeclaredType;
  readonly elements?: DeclaredType;
  /** Bytes, elements or entries. */
  readonly maxElements: number;
  /** Bytes that a value takes in JSON at least. */
  readonly minSize: number;
}

const scalar = (type: CelType, minSize: number, maxElements = 0): DeclaredType => ({ scalar: type, minSize, maxElements });
const KEY = scalar(STRING, 2);
const atLeastZero = (bound: number) => Math.max(0, bound);

/**
 * The type of a schema's values.
 *
 * @param isResource whether they are whole objects
 * @returns undefined for what expressions may not look at
 * @see apiserver pkg/cel/common/schemas.go
 */
export function declaredType(schema: JsonSchema, isResource: boolean): DeclaredType | undefined {
  if (schema["x-kubernetes-int-or-string"] === true) return scalar(DYN, 1, textBound(schema) ?? MAX_REQUEST_BYTES - 2);
  const whole = isResource ? withTypeMeta(schema) : schema;
  switch (whole.type) {
    case "array":
      return listType(whole);
    case "object":
      return additionalOf(whole) === undefined ? objectType(whole) : mapType(whole, additionalOf(whole)!);
    case "string":
      return textType(whole);
    case "boolean":
      return scalar(BOOL, 4);
    case "number":
      return scalar(DOUBLE, 1);
    case "integer":
      return scalar(INT, 1);
    default:
      return undefined;
  }
}

const isResource = (schema: JsonSchema) => schema["x-kubernetes-embedded-resource"] === true;

function listType(schema: JsonSchema): DeclaredType | undefined {
  const items = itemsOf(schema);
  const elements = items === undefined ? undefined : declaredType(items, isResource(items));
  if (elements === undefined) return undefined;
  const { maxItems } = schema;
  const maxElements = maxItems === undefined ? Math.floor((MAX_REQUEST_BYTES - 2) / (elements.minSize + 1)) : atLeastZero(maxItems);
  return { elements, maxElements, minSize: 2 };
}

function mapType({ maxProperties }: JsonSchema, values: JsonSchema): DeclaredType | undefined {
  const elements = declaredType(values, isResource(values));
  if (elements === undefined) return undefined;
  const maxElements = maxProperties === undefined ? Math.floor((MAX_REQUEST_BYTES - 2) / (elements.minSize + 6)) : atLeastZero(maxProperties);
  return { keys: KEY, elements, maxElements, minSize: 2 };
}

function objectType({ properties = {}, required = [] }: JsonSchema): DeclaredType {
  const fields = new Map<string, DeclaredType>();
  let minSize = 2;
  for (const [name, property] of Object.entries(properties)) {
    const type = declaredType(property, isResource(property));
    if (type === undefined) continue;
    const field = escapeName(name);
    if (field !== undefined) fields.set(field, type);
    if (required.includes(name) && (property.default ?? null) === null) minSize += Buffer.byteLength(name) + type.minSize + 4;
  }
  return { fields, maxElements: 0, minSize };
}

function textType(schema: JsonSchema): DeclaredType {
  const { format, maxLength, enum: values = [] } = schema;
  switch (format) {
    case "byte":
      return scalar(BYTES, 2, maxLength === undefined ? MAX_REQUEST_BYTES - 2 : atLeastZero(maxLength));
    case "duration":
      return scalar(DURATION, MIN_DURATION_LENGTH, MAX_TIME_LENGTH);
    case "date":
      return scalar(TIMESTAMP, DATE_LENGTH, DATE_LENGTH);
    case "date-time":
      return scalar(TIMESTAMP, MIN_TIME_LENGTH, MAX_TIME_LENGTH);
    default: {
      const longest = Math.max(0, ...values.map((value) => (typeof value === "string" ? Buffer.byteLength(value) : 0)));
      return scalar(STRING, 2, textBound(schema) ?? (values.length > 0 ? longest : MAX_REQUEST_BYTES - 2));
    }
  }
}

function textBound({ maxLength }: JsonSchema): number | undefined {
  return maxLength === undefined ? undefined : atLeastZero(maxLength) * BYTES_PER_CHARACTER;
}
