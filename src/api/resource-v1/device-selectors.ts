import type { DeviceSelector } from "#api/resource-v1/types.ts";
import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { KUBERNETES } from "#apimachinery/cel/environment.ts";
import { QUANTITY } from "#apimachinery/cel/quantity.ts";
import { compile } from "#lib/cel/compile.ts";
import { extend } from "#lib/cel/environment.ts";
import { BINDING_MACROS } from "#lib/cel/extensions/bindings.ts";
import { ANY, BOOL, type CelType, formatType, mapOf, sameType, STRING, structType } from "#lib/cel/types.ts";

const MAX_COST = 1_000_000;
/** Of attributes and capacities together, and of their domains. */
const MAX_ENTRIES = 32;
const MAX_DOMAIN = 63;
const MAX_ID = 32;
const MAX_VALUE = 64;

const DEVICE = structType("kubernetes.DRADevice");
const FIELDS: Readonly<Record<string, CelType>> = {
  driver: STRING,
  attributes: mapOf(STRING, mapOf(STRING, ANY)),
  capacity: mapOf(STRING, mapOf(STRING, QUANTITY)),
};

/** What selectors of devices may use. @see kubernetes staging/src/k8s.io/dynamic-resource-allocation/cel/compile.go */
const ENVIRONMENT = extend(KUBERNETES, {
  variables: { device: DEVICE },
  macros: BINDING_MACROS,
  provider: {
    has: (name) => name === DEVICE.name,
    field: (name, field) => (name === DEVICE.name && Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined),
  },
});

/** Says what is wrong with the expressions of selectors, but for their length. */
export function checkSelectorExpressions(errors: Errors, selectors: readonly DeviceSelector[] | undefined, path: FieldPath): void {
  for (const [i, { cel }] of (selectors ?? []).entries()) {
    if (cel !== undefined) checkExpression(errors, cel.expression, path.index(i).child("cel", "expression"));
  }
}

function checkExpression(errors: Errors, text: string, path: FieldPath): void {
  const compiled = compile(text, ENVIRONMENT);
  if (compiled.kind === "failure") {
    if (compiled.issues.some(({ offset }) => offset >= 0)) return void errors.push(fieldError.invalid(path, text, `compilation failed: ${compiled.message}`));
    return void errors.push(fieldError.internal(path, `program instantiation failed: ${compiled.message}`));
  }
  const { type } = compiled;
  if (!sameType(type, BOOL) && type.kind !== ANY.kind) {
    return void errors.push(fieldError.invalid(path, text, `must evaluate to bool or the unknown type, not ${formatType(type)}`));
  }
  const { max } = compiled.estimate({ size: ({ path: way }) => sizeAt(way ?? []) });
  if (max > MAX_COST) errors.push(fieldError.forbidden(path, "too complex, exceeds cost limit"));
}

/** How large what stands at a place below the device can be. */
function sizeAt([root, field, ...rest]: readonly string[]): { readonly min: number; readonly max: number } | undefined {
  if (root !== "device" || field === undefined) return undefined;
  const upTo = (max: number) => ({ min: 0, max });
  if (field === "driver") return rest.length === 0 ? upTo(MAX_DOMAIN) : undefined;
  if (!Object.hasOwn(FIELDS, field)) return undefined;
  const [domain, entry, ...deeper] = rest;
  if (domain === undefined) return upTo(MAX_ENTRIES);
  if (domain === "@keys") return entry === undefined ? upTo(MAX_DOMAIN) : undefined;
  if (domain !== "@values" && domain !== "@items") return undefined;
  if (entry === undefined) return upTo(MAX_ENTRIES);
  if (deeper.length > 0) return undefined;
  if (entry === "@keys") return upTo(MAX_ID);
  if (field === "attributes") return upTo(MAX_VALUE);
  return entry === "@values" || entry === "@items" ? upTo(0) : undefined;
}
