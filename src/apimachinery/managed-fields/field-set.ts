import { type JsonObject, isObject, setOwn } from "#apimachinery/decode/own.ts";

/**
 * A step of a path, as FieldsV1 writes it: `f:name`, `k:{"name":"a"}` for an element of an associative list, `v:"a"` for one of a
 * set, `i:0`.
 */
export type PathElement = string;

/** A set of paths, as a tree of steps. Immutable: operations give new sets, and share what they can. */
export class FieldSet {
  static readonly EMPTY = new FieldSet(false, new Map());

  /** Whether the path that leads here is in the set. */
  readonly member: boolean;
  readonly children: ReadonlyMap<PathElement, FieldSet>;

  constructor(member: boolean, children: ReadonlyMap<PathElement, FieldSet>) {
    this.member = member;
    this.children = children;
  }

  get empty(): boolean {
    return !this.member && this.children.size === 0;
  }

  child(element: PathElement): FieldSet {
    return this.children.get(element) ?? FieldSet.EMPTY;
  }

  union(other: FieldSet): FieldSet {
    if (other.empty || other === this) return this;
    if (this.empty) return other;
    const children = new Map(this.children);
    for (const [element, child] of other.children) {
      const own = children.get(element);
      children.set(element, own === undefined ? child : own.union(child));
    }
    return new FieldSet(this.member || other.member, children);
  }

  /** The paths of this set that are not in `other`. */
  difference(other: FieldSet): FieldSet {
    if (other.empty) return this;
    return this.#filtered(this.member && !other.member, (element, child) => child.difference(other.child(element)));
  }

  intersection(other: FieldSet): FieldSet {
    if (other.empty || this.empty) return FieldSet.EMPTY;
    return this.#filtered(this.member && other.member, (element, child) => child.intersection(other.child(element)));
  }

  /** What is left without the paths of `other` and all below them. */
  without(other: FieldSet): FieldSet {
    if (other.member) return FieldSet.EMPTY;
    if (other.children.size === 0) return this;
    return this.#filtered(this.member, (element, child) => child.without(other.child(element)));
  }

  #filtered(member: boolean, keep: (element: PathElement, child: FieldSet) => FieldSet): FieldSet {
    const children = new Map<PathElement, FieldSet>();
    let same = member === this.member;
    for (const [element, child] of this.children) {
      const kept = keep(element, child);
      if (kept !== child) same = false;
      if (!kept.empty) children.set(element, kept);
    }
    if (same) return this; // so that owners who lose nothing keep their entries
    return member || children.size > 0 ? new FieldSet(member, children) : FieldSet.EMPTY;
  }

  /** The paths in upstream's order: at each level those that end there, then those that go on. */
  *paths(prefix: readonly PathElement[] = []): Generator<readonly PathElement[]> {
    const elements = [...this.children.keys()].sort(compareElements);
    for (const element of elements) if (this.children.get(element)!.member) yield [...prefix, element];
    for (const element of elements) yield* this.children.get(element)!.paths([...prefix, element]);
  }

  toJSON(): JsonObject {
    const json: JsonObject = {};
    if (this.member && this.children.size > 0) json["."] = {};
    for (const element of [...this.children.keys()].sort(compareElements)) setOwn(json, element, this.children.get(element)!.toJSON());
    return json;
  }

  static of(...paths: readonly (readonly PathElement[])[]): FieldSet {
    return paths.reduce<FieldSet>(
      (set, path) => set.union(path.reduceRight((below, element) => new FieldSet(false, new Map([[element, below]])), LEAF)),
      FieldSet.EMPTY,
    );
  }
}

const LEAF = new FieldSet(true, new Map());

/** A set that a walk fills in. */
export class FieldSetBuilder {
  member = false;
  readonly #children = new Map<PathElement, FieldSetBuilder>();

  child(element: PathElement): FieldSetBuilder {
    let child = this.#children.get(element);
    if (child === undefined) {
      child = new FieldSetBuilder();
      this.#children.set(element, child);
    }
    return child;
  }

  build(): FieldSet {
    const children = new Map<PathElement, FieldSet>();
    for (const [element, builder] of this.#children) {
      const child = builder.build();
      if (!child.empty) children.set(element, child);
    }
    if (children.size === 0) return this.member ? LEAF : FieldSet.EMPTY;
    return new FieldSet(this.member, children);
  }
}

/** Deeper ones come from nobody who means well. */
const MAX_DEPTH = 1_000;

/** Reads FieldsV1. @returns `undefined` when it is malformed */
export function parseFieldSet(json: unknown, depth = 0): FieldSet | undefined {
  if (!isObject(json) || depth > MAX_DEPTH) return undefined;
  const children = new Map<PathElement, FieldSet>();
  let self = false;
  for (const key of Object.keys(json)) {
    if (key === ".") {
      self = true;
      continue;
    }
    if (/^[^fkvi]:/.test(key)) continue; // a later version may know what it is
    if (!isElement(key)) return undefined;
    const child = parseFieldSet(json[key], depth + 1);
    if (child === undefined) return undefined;
    children.set(canonicalElement(key), child);
  }
  const leaf = children.size === 0 && depth > 0;
  return leaf ? LEAF : new FieldSet(self, children);
}

function isElement(key: string): boolean {
  if (key.startsWith("f:")) return true;
  if (key.startsWith("i:")) return /^i:-?[0-9]+$/.test(key);
  if (!/^[kv]:/.test(key)) return false;
  try {
    const value: unknown = JSON.parse(key.slice(2));
    return key.startsWith("v:") || isObject(value);
  } catch {
    return false;
  }
}

/** Keys as we write them, so that equal ones are equal texts. */
function canonicalElement(key: string): PathElement {
  if (!key.startsWith("k:")) return key.startsWith("v:") ? `v:${JSON.stringify(JSON.parse(key.slice(2)))}` : key;
  return keyElement(JSON.parse(key.slice(2)) as JsonObject);
}

export function keyElement(key: JsonObject): PathElement {
  const names = Object.keys(key);
  if (names.length === 1) return `k:{${JSON.stringify(names[0])}:${JSON.stringify(key[names[0]!])}}`;
  names.sort();
  return `k:{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(key[name])}`).join(",")}}`;
}

const RANK: Readonly<Record<string, number>> = { f: 0, k: 1, v: 2, i: 3 };

function compareElements(a: PathElement, b: PathElement): number {
  if (a[0] !== b[0]) return RANK[a[0]!]! - RANK[b[0]!]!;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A path as messages name it: `.spec.containers[name="main"].image`. */
export function printPath(path: readonly PathElement[]): string {
  return path.map(printElement).join("");
}

export function printElement(element: PathElement): string {
  const text = element.slice(2);
  switch (element[0]) {
    case "f":
      return `.${text}`;
    case "i":
      return `[${text}]`;
    case "v":
      return `[=${text}]`;
    default: {
      const key = JSON.parse(text) as JsonObject;
      return `[${Object.keys(key)
        .map((name) => `${name}=${JSON.stringify(key[name])}`)
        .join(",")}]`;
    }
  }
}
