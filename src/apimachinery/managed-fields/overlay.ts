import { type JsonObject, isObject } from "#apimachinery/decode/own.ts";
import type { Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { mergeTyped } from "./merge.ts";
import { granularity, isDeclared, memberSchema } from "./typed.ts";
import { configurationFault } from "./validate-config.ts";

/** The configuration cannot be put over an object. */
export class OverlayError extends Error {
  override readonly name = "OverlayError";
}

/**
 * An object with a configuration put over it that nobody will own. What is one thing to owners must not be in it, as all that it
 * does not name would be lost.
 *
 * @throws {OverlayError} with upstream's words
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go ApplyStructuredMergeDiff
 */
export function overlay(schema: StructSchema, object: JsonObject, config: JsonObject): JsonObject {
  const fault = configurationFault(schema, config);
  if (fault !== undefined) throw new OverlayError(`failed to convert patch object to typed object: ${fault}`);
  const whole = atomicsOf(schema, config, "");
  if (whole.length > 0) throw new OverlayError(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${whole.join(", ")}`);
  return mergeTyped(schema, object, config) as JsonObject;
}

/** Ways to lists, maps and structs that are owned as a whole. */
function atomicsOf(schema: Schema, value: unknown, path: string): string[] {
  const own = granularity(schema, value).kind === "leaf" ? [path] : [];
  if (isObject(value) && schema.kind !== "scalar") {
    const declared = Object.keys(value).filter((name) => isDeclared(schema, name));
    return [...own, ...declared.flatMap((name) => atomicsOf(memberSchema(schema, name), value[name], `${path}.${name}`))];
  }
  if (!Array.isArray(value) || schema.kind === "scalar") return [];
  return [...own, ...(schema.kind === "list" ? value.flatMap((item, i) => atomicsOf(schema.items, item, `${path}[${i}]`)) : [])];
}
