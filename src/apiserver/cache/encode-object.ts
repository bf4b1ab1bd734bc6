import { textOfShared } from "#apimachinery/managed-fields/index.ts";
import type { ManagedFieldsEntry, ObjectMeta } from "#apimachinery/meta-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";

/**
 * An object's JSON as the store keeps it: kind, apiVersion and metadata first, and no resourceVersion. The fields of owners, most of
 * the text and of its parts, are in the text that they were made from.
 */
export function encodeObject(object: KubeObject): string {
  const { kind, apiVersion, metadata } = object;
  let text = kind === undefined ? "{" : `{"kind":${JSON.stringify(kind)},`;
  if (apiVersion !== undefined) text += `"apiVersion":${JSON.stringify(apiVersion)},`;
  text += `"metadata":${encodeMetadata(metadata)}`;
  for (const name in object) {
    if (name === "kind" || name === "apiVersion" || name === "metadata") continue;
    const value = JSON.stringify(object[name as keyof KubeObject]) as string | undefined;
    if (value !== undefined) text += `,${JSON.stringify(name)}:${value}`;
  }
  return `${text}}`;
}

function encodeMetadata({ resourceVersion: _, managedFields, ...rest }: ObjectMeta): string {
  const text = JSON.stringify(rest);
  if (!Array.isArray(managedFields)) return managedFields === undefined ? text : withMember(text, "managedFields", JSON.stringify(managedFields));
  return withMember(text, "managedFields", `[${managedFields.map(encodeEntry).join(",")}]`);
}

function encodeEntry(entry: ManagedFieldsEntry): string {
  const { fieldsV1, ...rest } = entry;
  const fields = typeof fieldsV1 === "object" && fieldsV1 !== null ? textOfShared(fieldsV1) : undefined;
  return fields === undefined ? JSON.stringify(entry) : withMember(JSON.stringify(rest), "fieldsV1", fields);
}

/** The JSON of an object with one member more. */
function withMember(text: string, name: string, value: string): string {
  return `${text === "{}" ? "{" : `${text.slice(0, -1)},`}"${name}":${value}}`;
}
