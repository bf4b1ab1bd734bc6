import type { PlainHandler } from "#apiserver/http/plain.ts";

const PATHS = new Set(["/", "/index.html"]);

/** `/` tells of all paths that are no resources. */
export function indexHandler(handlers: readonly PlainHandler[]): PlainHandler {
  return ({ path }) => {
    if (!PATHS.has(path)) return undefined;
    const paths = [...new Set(handlers.flatMap((handler) => handler.paths?.() ?? []))].sort();
    return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify({ paths }, null, 2) };
  };
}
