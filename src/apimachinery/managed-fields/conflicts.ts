import type { StatusCause } from "#apimachinery/meta-v1/types.ts";
import { type StatusError, failure } from "#apimachinery/status-error.ts";

import { type FieldSet, printPath } from "./field-set.ts";
import { type Manager, identityOf } from "./managers.ts";

/** Fields that an apply would change although another manager owns them. */
export interface Conflict {
  readonly owner: Manager;
  readonly fields: FieldSet;
}

/** @see apimachinery pkg/util/managedfields/internal/conflict.go for the texts */
export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const named = conflicts
    .map(({ owner, fields }) => ({ id: identityOf(owner), owner: printOwner(owner), paths: [...fields.paths()].map(printPath) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const causes: StatusCause[] = named.flatMap(({ owner, paths }) =>
    paths.map((field) => ({ reason: "FieldManagerConflict", message: `conflict with ${owner}`, field })),
  );
  return failure(409, "Conflict", messageOf(named, causes.length), { causes });
}

function messageOf(conflicts: readonly { readonly owner: string; readonly paths: readonly string[] }[], count: number): string {
  const [first] = conflicts;
  if (count === 1) return `Apply failed with 1 conflict: conflict with ${first!.owner}: ${first!.paths[0]}`;
  const lines = conflicts.flatMap(({ owner, paths }) => [`conflicts with ${owner}:`, ...paths.map((path) => `- ${path}`)]);
  return `Apply failed with ${count} conflicts: ${lines.join("\n")}`;
}

function printOwner({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = `${JSON.stringify(manager)}${subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}
