import { part, varint } from "#apiserver/openapi/gnostic-wire.ts";
import type { JsonSchema } from "#apiserver/openapi/schemas.ts";
import type { Swagger } from "#apiserver/openapi/swagger.ts";

type Json = Readonly<Record<string, unknown>>;
type Encode = (value: never) => Uint8Array;
/** How the fields of a message are written: number and kind, by the name in JSON. */
type Fields = Readonly<Record<string, readonly [field: number, encode: Encode]>>;

const EXTENSION = /^x-/;

/**
 * The document in the protobuf form that clients of OpenAPI v2 ask for.
 *
 * @see google/gnostic-models openapiv2/OpenAPIv2.proto, whose messages these are
 */
export function swaggerToProtobuf(document: Swagger): Uint8Array {
  const { info, paths, definitions, securityDefinitions, security, swagger } = document;
  return Buffer.concat([
    text(1, swagger),
    part(2, message(info, INFO)),
    part(8, ...named(2, paths, pathItem)),
    part(9, ...named(1, definitions, schema)),
    ...security.map((each) => part(12, ...named(1, each as Record<string, readonly string[]>, (names) => Buffer.concat(names.map((name) => text(1, name)))))),
    part(13, ...named(1, securityDefinitions as Record<string, Json>, (each) => part(2, message(each, API_KEY)))),
  ]);
}

const text = (field: number, value: string): Buffer => part(field, Buffer.from(value));
const flag = (field: number): Buffer => Buffer.concat([varint(field * 8), varint(1)]);

const string: Encode = (value: string) => Buffer.from(value);

/** A message whose fields stand in a table; what begins with `x-` is an extension, if the table has a place for them. */
function message(value: Json, fields: Fields): Buffer {
  const pieces: Buffer[] = [];
  for (const [name, given] of Object.entries(value)) {
    const entry = fields[EXTENSION.test(name) ? "x-" : name];
    if (entry === undefined || given === undefined) continue;
    const [field, encode] = entry;
    if (EXTENSION.test(name)) pieces.push(part(field, text(1, name), part(2, encode(given as never))));
    else if (given === true) pieces.push(flag(field));
    else if (Array.isArray(given)) pieces.push(...given.map((each) => part(field, encode(each as never))));
    else if (given !== false) pieces.push(part(field, encode(given as never)));
  }
  return Buffer.concat(pieces);
}

/** A map: each entry has a name and a value. */
function named<T>(field: number, values: Readonly<Record<string, T>>, encode: (value: T) => Uint8Array): Buffer[] {
  return Object.entries(values).map(([name, value]) => part(field, text(1, name), part(2, encode(value))));
}

const any: Encode = (value: unknown) => text(2, JSON.stringify(value));

const INFO: Fields = { title: [1, string], version: [2, string] };
const API_KEY: Fields = { type: [1, string], name: [2, string], in: [3, string], description: [4, string] };

const SCHEMA: Fields = {
  $ref: [1, string],
  format: [2, string],
  title: [3, string],
  description: [4, string],
  pattern: [13, string],
  uniqueItems: [16, string],
  required: [19, string],
  enum: [20, any],
  additionalProperties: [21, (value: JsonSchema | true) => (value === true ? flag(2) : part(1, schema(value)))],
  type: [22, (value: string) => text(1, value)],
  items: [23, (value: JsonSchema) => part(1, schema(value))],
  properties: [25, (value: Record<string, JsonSchema>) => Buffer.concat(named(1, value, schema))],
  "x-": [31, any],
};

function schema(value: JsonSchema): Buffer {
  // `true` would be taken for a flag.
  const { additionalProperties } = value;
  if (additionalProperties !== true) return message(value, SCHEMA);
  const { additionalProperties: _, ...rest } = value;
  return Buffer.concat([message(rest, SCHEMA), part(21, flag(2))]);
}

const QUERY_PARAMETER: Fields = {
  required: [1, string],
  in: [2, string],
  description: [3, string],
  name: [4, string],
  type: [6, string],
  uniqueItems: [20, string],
};
const PATH_PARAMETER: Fields = {
  required: [1, string],
  in: [2, string],
  description: [3, string],
  name: [4, string],
  type: [5, string],
  uniqueItems: [19, string],
};
const BODY_PARAMETER: Fields = { description: [1, string], name: [2, string], in: [3, string], required: [4, string], schema: [5, schema as Encode] };

const parameter: Encode = (value: Json) => {
  if (value["in"] === "body") return part(1, part(1, message(value, BODY_PARAMETER)));
  const inner = value["in"] === "path" ? part(4, message(value, PATH_PARAMETER)) : part(3, message(value, QUERY_PARAMETER));
  return part(1, part(2, inner));
};

const RESPONSE: Fields = { description: [1, string], schema: [2, (value: JsonSchema) => part(1, schema(value))] };

const OPERATION: Fields = {
  tags: [1, string],
  description: [3, string],
  operationId: [5, string],
  produces: [6, string],
  consumes: [7, string],
  parameters: [8, parameter],
  responses: [9, (value: Record<string, Json>) => Buffer.concat(named(1, value, (each) => part(1, message(each, RESPONSE))))],
  schemes: [10, string],
  deprecated: [11, string],
  "x-": [13, any],
};

const operation: Encode = (value: Json) => message(value, OPERATION);

const PATH_ITEM: Fields = {
  get: [2, operation],
  put: [3, operation],
  post: [4, operation],
  delete: [5, operation],
  options: [6, operation],
  head: [7, operation],
  patch: [8, operation],
  parameters: [9, parameter],
};

const pathItem = (value: Json): Buffer => message(value, PATH_ITEM);
