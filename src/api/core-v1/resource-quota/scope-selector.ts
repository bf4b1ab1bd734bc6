import type { ScopedResourceSelectorRequirement } from "#api/core-v1/types.ts";

/** Whether a scope takes an object whose class of that kind is `name`, `undefined` when it has none. */
export function selectsScope({ operator, values = [] }: ScopedResourceSelectorRequirement, name: string | undefined): boolean {
  switch (operator) {
    case "In":
      return name !== undefined && values.includes(name);
    case "NotIn":
      return name === undefined || !values.includes(name);
    case "Exists":
      return name !== undefined;
    case "DoesNotExist":
      return name === undefined;
    default:
      return false;
  }
}
