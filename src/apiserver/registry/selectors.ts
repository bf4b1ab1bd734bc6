import type { Strategy } from "#api/strategy.ts";
import { parseFieldSelector } from "#apimachinery/field-selector.ts";
import { parseLabelSelector, SelectorError } from "#apimachinery/label-selector.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";

type Labels = Readonly<Record<string, string>>;

/** @throws {StatusError} 400 */
export function labelMatcher(text: string): (labels: Labels) => boolean {
  const selector = parsed(() => parseLabelSelector(text));
  return (labels) => selector.matches(labels);
}

export interface FieldSelection {
  matches(object: KubeObject): boolean;
  /** Fields that must have one value. */
  readonly exact: ReadonlyMap<string, string>;
}

/** @throws {StatusError} 400 for what does not parse, and for fields that the kind cannot be selected by */
export function fieldMatcher({ info, strategy }: ServedResource, text: string): FieldSelection {
  const { requirements } = parsed(() => parseFieldSelector(text));
  const { selectableFieldNames: own, unknownField = (field: string) => `field label not supported: ${field}` } = strategy;
  // Kinds that name their fields leave the namespace out where there is none; the others take it in any case.
  const known = new Set(["metadata.name", ...(info.namespaced || own === undefined ? ["metadata.namespace"] : []), ...(own ?? [])]);
  for (const { field } of requirements) {
    if (known.has(field)) continue;
    throw statusError.badRequest(
      own === undefined ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"` : unknownField(field),
    );
  }
  const exact = new Map(requirements.filter(({ equals }) => equals).map(({ field, value }) => [field, value]));
  return { exact, matches: (object) => requirements.every(({ field, equals, value }) => (fieldOf(object, field, strategy) === value) === equals) };
}

function fieldOf(object: KubeObject, field: string, strategy: Strategy): string {
  if (field === "metadata.name") return object.metadata.name;
  if (field === "metadata.namespace") return object.metadata.namespace ?? "";
  return strategy.selectableFields?.(object)[field] ?? "";
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    throw statusError.badRequest(error.message);
  }
}
