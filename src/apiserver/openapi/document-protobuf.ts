import {
  any,
  double,
  each,
  flag,
  integer,
  type Json,
  message,
  type MessageFields,
  named,
  part,
  text,
  type WriteField,
} from "#apiserver/openapi/gnostic-wire.ts";

/**
 * A document of OpenAPI v3 in the protobuf form that some clients ask for.
 *
 * @see google/gnostic-models openapiv3/OpenAPIv3.proto, whose messages these are
 */
export const documentToProtobuf = (document: object): Buffer => message(document as Json, DOCUMENT);

const inMessage =
  (encode: (value: never) => Uint8Array): WriteField =>
  (field: number, value: never) =>
    part(field, encode(value));

/** Where either a thing or a reference to it may stand. */
const orReference =
  (encode: (value: never) => Uint8Array) =>
  (value: Json): Uint8Array =>
    typeof value["$ref"] === "string" ? part(2, message(value, REFERENCE)) : part(1, encode(value as never));

const REFERENCE: MessageFields = { $ref: [1, text], summary: [2, text], description: [3, text] };

const schema = (value: Json): Uint8Array => message(value, SCHEMA);
const schemaOrReference = orReference(schema);

/** Only plain defaults have a place; others leave it empty. */
const defaultValue: WriteField = (field: number, value: unknown) => {
  const empty = Buffer.alloc(0);
  if (typeof value === "number") return part(field, value === 0 ? ZERO : double(1, value as never));
  if (typeof value === "boolean") return part(field, oneofFlag(2, value));
  return part(field, typeof value === "string" ? text(3, value as never) : empty);
};

/** Of several fields of which one is set, that one is written although it is zero. */
const ZERO = Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0]);
const oneofFlag = (field: number, value: boolean): Buffer => Buffer.from([field * 8, value ? 1 : 0]);

const additional: WriteField = (field: number, value: Json | boolean) =>
  part(field, typeof value === "boolean" ? oneofFlag(2, value) : part(1, schemaOrReference(value)));

const SCHEMA: MessageFields = {
  nullable: [1, flag],
  readOnly: [3, flag],
  example: [7, any],
  deprecated: [8, flag],
  title: [9, text],
  multipleOf: [10, double],
  maximum: [11, double],
  exclusiveMaximum: [12, flag],
  minimum: [13, double],
  exclusiveMinimum: [14, flag],
  maxLength: [15, integer],
  minLength: [16, integer],
  pattern: [17, text],
  maxItems: [18, integer],
  minItems: [19, integer],
  uniqueItems: [20, flag],
  maxProperties: [21, integer],
  minProperties: [22, integer],
  required: [23, each(text)],
  enum: [24, each(any)],
  type: [25, text],
  allOf: [26, each(inMessage(schemaOrReference))],
  oneOf: [27, each(inMessage(schemaOrReference))],
  anyOf: [28, each(inMessage(schemaOrReference))],
  not: [29, inMessage(schema)],
  items: [30, inMessage((value: Json) => part(1, schemaOrReference(value)))],
  properties: [31, inMessage((values: Json) => named(schemaOrReference)(1, values as never))],
  additionalProperties: [32, additional],
  default: [33, defaultValue],
  description: [34, text],
  format: [35, text],
  "x-": [36, any],
};

const MEDIA_TYPE: MessageFields = { schema: [1, inMessage(schemaOrReference)] };
const content: WriteField = inMessage((types: Json) => named((type: Json) => message(type, MEDIA_TYPE))(1, types as never));

const PARAMETER: MessageFields = {
  name: [1, text],
  in: [2, text],
  description: [3, text],
  required: [4, flag],
  schema: [10, inMessage(schemaOrReference)],
};
const parameters: WriteField = each(inMessage(orReference((value: Json) => message(value, PARAMETER))));

const REQUEST_BODY: MessageFields = { description: [1, text], content: [2, content], required: [3, flag] };
const RESPONSE: MessageFields = { description: [1, text], content: [3, content] };
const responses = (values: Json): Uint8Array => named(orReference((value: Json) => message(value, RESPONSE)))(2, values as never);

const OPERATION: MessageFields = {
  tags: [1, each(text)],
  description: [3, text],
  operationId: [5, text],
  parameters: [6, parameters],
  requestBody: [7, inMessage(orReference((value: Json) => message(value, REQUEST_BODY)))],
  responses: [8, inMessage(responses)],
  deprecated: [10, flag],
  "x-": [13, any],
};
const operation: WriteField = inMessage((value: Json) => message(value, OPERATION));

const PATH_ITEM: MessageFields = {
  get: [4, operation],
  put: [5, operation],
  post: [6, operation],
  delete: [7, operation],
  options: [8, operation],
  head: [9, operation],
  patch: [10, operation],
  parameters: [13, parameters],
  "x-": [14, any],
};

const SECURITY_SCHEME: MessageFields = { type: [1, text], description: [2, text], name: [3, text], in: [4, text] };
const COMPONENTS: MessageFields = {
  schemas: [1, inMessage((values: Json) => named(schemaOrReference)(1, values as never))],
  securitySchemes: [7, inMessage((values: Json) => named(orReference((value: Json) => message(value, SECURITY_SCHEME)))(1, values as never))],
};

const INFO: MessageFields = { title: [1, text], description: [2, text], version: [6, text] };
const DOCUMENT: MessageFields = {
  openapi: [1, text],
  info: [2, inMessage((value: Json) => message(value, INFO))],
  paths: [4, inMessage((values: Json) => named((item: Json) => message(item, PATH_ITEM))(1, values as never))],
  components: [5, inMessage((value: Json) => message(value, COMPONENTS))],
};
