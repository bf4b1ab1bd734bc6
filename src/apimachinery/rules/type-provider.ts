import type { TypeProvider } from "#lib/cel/environment.ts";
import type { Estimator } from "#lib/cel/estimate.ts";
import { type CelType, DYN, listOf, mapOf, structType } from "#lib/cel/types.ts";

import type { DeclaredType } from "./declared-type.ts";
import { RESERVED } from "./escape.ts";

/** What `self` is called; no expression has a use for the name. */
const SELF_TYPE = "selfType1";

type Fields = ReadonlyMap<string, CelType>;

/** The type of `self`, and a provider that knows all types within it. @param name what the type is called */
export function selfType(declared: DeclaredType, name = SELF_TYPE): { readonly type: CelType; readonly provider: TypeProvider } {
  const known = new Map<string, Fields>();
  const type = named(declared, name, known);
  const provider: TypeProvider = {
    has: (typeName) => known.has(typeName),
    field: (typeName, field) => known.get(typeName)?.get(field) ?? (RESERVED.has(field) ? known.get(typeName)?.get(`__${field}__`) : undefined),
  };
  return { type, provider };
}

function named(declared: DeclaredType, name: string, known: Map<string, Fields>): CelType {
  const { fields, keys, elements } = declared;
  if (fields !== undefined) {
    known.set(name, new Map([...fields].map(([field, type]) => [field, named(type, `${name}.${field}`, known)])));
    return structType(name);
  }
  if (elements === undefined) return declared.scalar ?? DYN;
  if (keys === undefined) return listOf(named(elements, `${name}.@idx`, known));
  return mapOf(keys.scalar ?? DYN, named(elements, `${name}.@elem`, known));
}

/** How large values may be, for estimates of costs. */
export function sizesOf(root: DeclaredType): Estimator {
  return {
    size: ({ path = [] }) => {
      if (path.length === 0) return undefined;
      let at: DeclaredType | undefined = root;
      for (const step of path.slice(1)) {
        at = step === "@items" || step === "@values" ? at.elements : step === "@keys" ? at.keys : at.fields?.get(step);
        if (at === undefined) return undefined;
      }
      return { min: 0, max: at.maxElements };
    },
  };
}
