import type { CustomResourceColumnDefinition } from "#api/apiextensions-v1/types.ts";
import { sorted } from "#apimachinery/structural/findings.ts";
import { age, type Cell } from "#apiserver/tables/cells.ts";
import { describedAs, type Layout } from "#apiserver/tables/render.ts";

import { jsonPath } from "./json-path.ts";

const AGE: readonly CustomResourceColumnDefinition[] = [{ name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }];

/**
 * What `kubectl get` shows of a custom resource: its name, and the columns of its definition.
 *
 * @see apiextensions-apiserver pkg/registry/customresource/tableconvertor
 */
export function customLayout(given: readonly CustomResourceColumnDefinition[] | undefined): Layout {
  const definitions = given === undefined || given.length === 0 ? AGE : given;
  const finders = definitions.map(({ type, jsonPath: path }) => ({ type, find: jsonPath(path) }));
  return {
    get columns() {
      return [
        { name: "Name", type: "string", format: "name", description: describedAs("/ConfigMap", "Name"), priority: 0 },
        ...definitions.map((column) => ({
          name: column.name,
          type: column.type,
          format: column.format ?? "",
          description: column.description || (definitions === AGE ? describedAs("/ConfigMap", "Age") : describedByPath(column.jsonPath)),
          priority: column.priority ?? 0,
        })),
      ];
    },
    print: (object, nowMs) => [object.metadata.name, ...finders.map(({ type, find }) => cellOf(type, find(object)[0], nowMs))],
  };
}

const describedByPath = (path: string) => `Custom resource definition column (in JSONPath format): ${path}`;

function cellOf(type: string, value: unknown, nowMs: number): Cell {
  if (value === undefined) return null;
  switch (type) {
    case "string":
      return value === null ? "<nil>" : typeof value === "object" ? JSON.stringify(sorted(value)) : String(value);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : typeof value === "bigint" ? value : null;
    case "number":
      return typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? dateCell(value, nowMs) : null;
    default:
      return null;
  }
}

function dateCell(text: string, nowMs: number): string {
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text));
  return isTime ? age(text, nowMs) : "<invalid>";
}
