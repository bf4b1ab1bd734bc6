/** What a URL path means in the grammar of the API. */
export type ApiPath = ResourcePath | { readonly kind: "plain" };

export interface ResourcePath {
  readonly kind: "resource";
  readonly group: string;
  readonly version: string;
  /** `""` for all namespaces and for what has none. */
  readonly namespace: string;
  readonly plural: string;
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, with its slash, undecoded. */
  readonly rest: string;
  /** The old `/watch/` form of a list. */
  readonly watch: boolean;
}

const PLAIN: ApiPath = { kind: "plain" };

/**
 * Splits `/api/v1/…` and `/apis/<group>/<version>/…`; anything else, discovery documents too, is plain.
 *
 * @see apiserver pkg/endpoints/request/requestinfo.go
 */
export function parseApiPath(path: string): ApiPath {
  let at: number;
  let group = "";
  if (path.startsWith("/api/")) {
    at = 5;
  } else if (path.startsWith("/apis/")) {
    const end = path.indexOf("/", 6);
    if (end < 0) return PLAIN;
    group = path.slice(6, end);
    at = end + 1;
  } else {
    return PLAIN;
  }
  const versionEnd = path.indexOf("/", at);
  if (versionEnd < 0 || versionEnd === path.length - 1) return PLAIN;
  return resourcePath(path, group, path.slice(at, versionEnd), versionEnd + 1);
}

function resourcePath(path: string, group: string, version: string, start: number): ApiPath {
  const parts = new Segments(path, start);
  let first = parts.next();
  const watch = first === "watch";
  if (watch) first = parts.next();
  if (first === "" && parts.isDone) return PLAIN;
  let namespace = "";
  let plural = first;
  let name = parts.next();
  if (first === "namespaces" && name === "" && !parts.isDone) {
    // An empty namespace stands for all of them.
    plural = parts.next();
    name = parts.next();
  } else if (first === "namespaces" && group === "" && name !== "") {
    namespace = name;
    const inside = parts.next();
    if (inside === "") return { kind: "resource", group, version, namespace: "", plural, name, subresource: "", rest: "", watch };
    if (inside === "status" || inside === "finalize") {
      return { kind: "resource", group, version, namespace: "", plural, name, subresource: inside, rest: parts.rest(), watch };
    }
    plural = inside;
    name = parts.next();
  } else if (first === "namespaces" && group !== "" && name !== "") {
    namespace = name;
    plural = parts.next();
    name = parts.next();
    if (plural === "") return PLAIN;
  }
  return { kind: "resource", group, version, namespace, plural, name, subresource: parts.next(), rest: parts.rest(), watch };
}

/** The segments of a path, decoded one by one; `""` past the end. */
class Segments {
  readonly #path: string;
  #at: number;

  constructor(path: string, start: number) {
    this.#path = path;
    this.#at = start;
  }

  get isDone(): boolean {
    return this.#at > this.#path.length;
  }

  next(): string {
    if (this.#at > this.#path.length) return "";
    const slash = this.#path.indexOf("/", this.#at);
    const end = slash < 0 ? this.#path.length : slash;
    const segment = this.#path.slice(this.#at, end);
    this.#at = end + 1;
    return segment.includes("%") ? decoded(segment) : segment;
  }

  rest(): string {
    return this.#at > this.#path.length ? "" : this.#path.slice(this.#at - 1);
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
