import type { ObjectReference } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

const REFERENCE_FIELDS = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] as const;

/** What the two versions of events call the things that they can be selected by. */
interface EventFields<T> {
  /** The field that refers to what the event is about. */
  readonly object: string;
  referenceOf(event: T): ObjectReference | undefined;
  ownFields(event: T): Readonly<Record<string, string | undefined>>;
  readonly ownNames: readonly string[];
}

export function eventFields<T extends KubeObject>(fields: EventFields<T>): Pick<Strategy<T>, "selectableFields" | "selectableFieldNames"> {
  const { object, referenceOf, ownFields, ownNames } = fields;
  return {
    selectableFields(event) {
      const reference = referenceOf(event);
      const values = REFERENCE_FIELDS.map((name) => [`${object}.${name}`, reference?.[name] ?? ""]);
      for (const [name, value] of Object.entries(ownFields(event))) values.push([name, value ?? ""]);
      return Object.fromEntries(values);
    },
    selectableFieldNames: [...REFERENCE_FIELDS.map((name) => `${object}.${name}`), ...ownNames],
  };
}
