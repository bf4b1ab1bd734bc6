import { readFileSync } from "node:fs";

import type { ProtoField, ProtoTable } from "#apimachinery/protobuf/codec.ts";

interface Call {
  readonly name: string;
  readonly request: string;
  readonly response: string;
}

interface CriFacts {
  readonly services: Readonly<Record<"ImageService" | "RuntimeService", readonly Call[]>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly messages: Readonly<Record<string, { readonly fields: readonly ProtoField[] }>>;
}

const facts: CriFacts = JSON.parse(readFileSync(new URL("./messages.json", import.meta.url), "utf8"));

/** CRI `runtime.v1`; properties are in camelCase. */
export const CRI: ProtoTable = {
  messages: Object.fromEntries(Object.entries(facts.messages).map(([name, { fields }]) => [name, { fields: fields.map(camelCased) }])),
  enums: facts.enums,
};

/** Path, request and response of each call. */
export const CRI_CALLS: ReadonlyMap<string, { readonly path: string; readonly request: string; readonly response: string }> = new Map(
  Object.entries(facts.services).flatMap(([service, calls]) =>
    calls.map(({ name, request, response }) => [name, { path: `/runtime.v1.${service}/${name}`, request, response }] as const),
  ),
);

function camelCased(field: ProtoField): ProtoField {
  return { ...field, name: field.name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) };
}
