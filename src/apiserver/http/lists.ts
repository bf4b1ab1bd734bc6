import { kindSchema } from "#api/schema/table.ts";
import { encodeProtobuf, envelopePieces, messageField } from "#apimachinery/protobuf/object-encoder.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import { notInProtobuf } from "#apiserver/http/protobuf-answer.ts";
import type { ListOutcome } from "#apiserver/registry/outcome.ts";
import { objectOf } from "#apiserver/registry/read.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";

const OPEN = Buffer.from("{");
const COMMA = Buffer.from(",");
const COMMA_OPEN = Buffer.from(",{");
const END = Buffer.from("]}\n");

/** A list as JSON, in pieces: a header, and the bytes that the items have anyway, without their kind. */
export function listPieces(served: ServedResource, outcome: ListOutcome): Uint8Array[] {
  const { head, view, custom } = served;
  const parts: Uint8Array[] = [Buffer.from(listHeader(served, outcome))];
  let first = true;
  for (const item of outcome.items) {
    if (custom !== undefined) {
      if (!first) parts.push(COMMA);
      parts.push(view === undefined ? item.json : Buffer.from(JSON.stringify(view.fromStored(item.object))));
    } else if (view !== undefined || !startsWith(item, head)) {
      if (!first) parts.push(COMMA);
      parts.push(Buffer.from(JSON.stringify(withoutType(served, item))));
    } else {
      parts.push(first ? OPEN : COMMA_OPEN, item.json.subarray(head.length));
    }
    first = false;
  }
  parts.push(END);
  return parts;
}

export function listMetadata({ resourceVersion, continue: more, remainingItemCount }: ListOutcome): object {
  return {
    resourceVersion,
    ...(more !== undefined && { continue: more }),
    ...(remainingItemCount !== undefined && { remainingItemCount }),
  };
}

function listHeader({ info, apiVersion, custom }: ServedResource, outcome: ListOutcome): string {
  const metadata = { ...(custom !== undefined && { continue: "" }), ...listMetadata(outcome) };
  const kind = JSON.stringify(info.listKind ?? `${info.kind}List`);
  return `{"kind":${kind},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`;
}

function startsWith({ json }: CachedObject, head: Buffer): boolean {
  return json.length > head.length && head.compare(json, 0, head.length) === 0;
}

/** A list in protobuf, in pieces: each item is encoded by itself. Every kind's list has its metadata first, and then the items. */
export function protobufListPieces(served: ServedResource, outcome: ListOutcome): Uint8Array[] {
  const { info, apiVersion, schema } = served;
  if (kindSchema(info.group, info.version, info.kind) === undefined) throw notInProtobuf();
  const listMeta = kindSchema("", "v1", "List")?.fields.get("metadata")?.schema as StructSchema;
  const items = outcome.items.map((item) => messageField(ITEMS_FIELD, encodeProtobuf(schema, objectOf(served, item))));
  const metadata = messageField(METADATA_FIELD, encodeProtobuf(listMeta, listMetadata(outcome)));
  return envelopePieces(apiVersion, info.listKind ?? `${info.kind}List`, [metadata, ...items]);
}

const METADATA_FIELD = 1;
const ITEMS_FIELD = 2;

/** An item as it stands in a list of its version. */
function withoutType({ view }: ServedResource, { object }: CachedObject): object {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = view === undefined ? object : view.fromStored(object);
  return rest;
}
