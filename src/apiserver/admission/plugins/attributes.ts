import type { Pod } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";
import { statusError, type StatusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, Operation } from "#apiserver/admission/admission.ts";

type Target = Pick<AdmissionAttributes, "operation" | "resource" | "subresource">;

/** Whether the write is one of `operations` on the resource itself. */
export function targets({ operation, resource, subresource }: Target, group: string, plural: string, ...operations: readonly Operation[]): boolean {
  return resource.plural === plural && resource.group === group && subresource === "" && operations.includes(operation);
}

export const isPodCreate = (target: Target): boolean => targets(target, "", "pods", "CREATE");

/** The object of a write on pods. */
export const podOf = (attributes: AdmissionAttributes): Mutable<Pod> => attributes.object as Mutable<Pod>;

/** A refusal as all admission plugins word it: an object without a name yet goes by its generateName. */
export function forbidden({ resource, object, name }: Pick<AdmissionAttributes, "resource" | "object" | "name">, why: string): StatusError {
  const named = name || object?.metadata.name || object?.metadata.generateName || "Unknown";
  return statusError.forbidden({ group: resource.group, resource: resource.plural }, named, why);
}

/** Why upstream's client would not even ask for an object of that name; `undefined` when it would. */
export function badSegment(name: string): string | undefined {
  if (name === "") return "resource name may not be empty";
  const faults = nameIsPathSegment(name);
  return faults.length === 0 ? undefined : `invalid resource name ${JSON.stringify(name)}: [${faults.join(" ")}]`;
}
