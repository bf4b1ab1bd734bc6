import { readFileSync } from "node:fs";

import type { KubeObject } from "#apimachinery/object.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";

export interface Subresource {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** What discovery says of a kind, as `schema/kinds.json` has it. */
export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly servedByDefault: boolean;
  /** Of a version that upstream had, and has no more. */
  readonly legacy?: boolean;
  /** Releases, as `1.16`, and what to use instead: `apps,v1,Deployment`. */
  readonly lifecycle?: { readonly deprecated?: string; readonly removed?: string; readonly replacement?: string };
  readonly listKind?: string;
  readonly subresources: readonly Subresource[];
  /** Of a custom resource: what its definition says besides. */
  readonly custom?: CustomInfo | undefined;
}

/** What is known of a custom resource alone. */
export interface CustomInfo {
  /** The schema of its objects, without what all kinds have. */
  readonly schema: JsonSchema;
  /** The version that objects are stored in. */
  readonly storageVersion: string;
  /** What every request for this version is told. */
  readonly deprecation?: string | undefined;
  /** Names of fields that lists may select by, such as `spec.color`. */
  readonly selectableFields?: readonly string[] | undefined;
}

/** Names a resource of the API; `T` is the type of its objects. */
export interface Resource<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set; carries `T`. */
  readonly objectType?: T;
}

/** Every kind of upstream v1.35, the ones that are not served by default too. */
export const ALL_KINDS: readonly ResourceInfo[] = JSON.parse(readFileSync(new URL("./schema/kinds.json", import.meta.url), "utf8"));

/** What upstream v1.35 serves when nothing is said. */
export const DEFAULT_KINDS: readonly ResourceInfo[] = ALL_KINDS.filter(({ servedByDefault }) => servedByDefault);

/** Versions that upstream serves no longer. Short names and categories stay with the groups that came after `extensions`, or they would mean two things. */
export const LEGACY_KINDS: readonly ResourceInfo[] = ALL_KINDS.filter(({ legacy }) => legacy === true).map((info) =>
  info.group === "extensions" ? { ...info, shortNames: [], categories: [] } : info,
);

const byPlural = new Map(ALL_KINDS.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]));

/** @returns what is known of the resource, `undefined` when upstream has none of that name */
export function resourceInfo(group: string, version: string, plural: string): ResourceInfo | undefined {
  return byPlural.get(`${group}/${version}/${plural}`);
}

/** `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === "" ? version : `${group}/${version}`;
}

/** A built-in resource by name; throws when there is none, as that is a slip in our code. */
export function builtin<T extends KubeObject>(group: string, version: string, plural: string): Resource<T> {
  const info = resourceInfo(group, version, plural);
  if (info === undefined) throw new Error(`no built-in resource ${group}/${version}/${plural}`);
  return info as Resource<T>;
}
