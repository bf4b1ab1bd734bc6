import { DecodeError } from "#apimachinery/decode/decode.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";

import type { FieldSet } from "./field-set.ts";
import { type Comparison, compareTyped } from "./typed.ts";

/** Another version of a kind, in which owners may know an object's fields by other names. */
export interface OtherVersion {
  readonly schema: StructSchema;
  /** What the endpoint resets, as this version names it. */
  readonly resetFields: FieldSet | undefined;
  /** An object of the request's version in this one. @throws {DecodeError} */
  show(object: JsonObject): JsonObject;
  /** And back. @throws {DecodeError} */
  read(object: JsonObject): JsonObject;
}

/** By `apiVersion`; `undefined` for versions that nobody serves, whose fields are taken to be named as in the request's. */
export type OtherVersions = (apiVersion: string) => OtherVersion | undefined;

/** Fields that were added or got another value, and those together with the ones that went. */
interface Changed {
  readonly changed: FieldSet;
  readonly gone: FieldSet;
}

/** What distinguishes two objects, as each version sees it. */
export class VersionedChanges {
  readonly #known = new Map<string, Changed>();
  readonly #own: Changed;
  readonly #objects: () => readonly [from: JsonObject, to: JsonObject];
  readonly #others: OtherVersions | undefined;

  /** @param own what the request's version sees; `objects` is asked for when an owner wrote another */
  constructor(apiVersion: string, own: Comparison, objects: () => readonly [from: JsonObject, to: JsonObject], others: OtherVersions | undefined) {
    this.#own = changedIn(own);
    this.#known.set(apiVersion, this.#own);
    this.#objects = objects;
    this.#others = others;
  }

  in(apiVersion: string): Changed {
    let found = this.#known.get(apiVersion);
    if (found === undefined) {
      found = this.#compared(apiVersion);
      this.#known.set(apiVersion, found);
    }
    return found;
  }

  #compared(apiVersion: string): Changed {
    const other = this.#others?.(apiVersion);
    if (other === undefined) return this.#own;
    try {
      const [from, to] = this.#objects();
      return changedIn(filtered(compareTyped(other.schema, other.show(from), other.show(to)), other.resetFields));
    } catch (error) {
      if (error instanceof DecodeError) return this.#own;
      throw error;
    }
  }
}

function changedIn({ added, removed, modified }: Comparison): Changed {
  const changed = added.union(modified);
  return { changed, gone: changed.union(removed) };
}

export function filtered(comparison: Comparison, resetFields: FieldSet | undefined): Comparison {
  if (resetFields === undefined) return comparison;
  const { added, removed, modified } = comparison;
  return { added: added.without(resetFields), removed: removed.without(resetFields), modified: modified.without(resetFields) };
}
