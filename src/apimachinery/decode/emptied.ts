/**
 * Lists and maps that were sent empty, and that the canonical form leaves out. A Go program can tell them from absent ones
 * until it has stored them, and here and there upstream does: in texts that show a value, and where it compares exactly.
 */
const emptied = new WeakMap<object, Set<string>>();

/** Notes that a struct's field was there, with nothing in it. */
export function noteEmptied(struct: object, field: string): void {
  const fields = emptied.get(struct);
  if (fields === undefined) emptied.set(struct, new Set([field]));
  else fields.add(field);
}

/** Whether the object, as it was decoded, had this list or map without anything in it. */
export function wasEmptied(struct: object | null | undefined, field: string): boolean {
  return struct !== null && struct !== undefined && emptied.get(struct)?.has(field) === true;
}

/** Whether anything within was sent empty, but for some of its members. */
export function hasEmptied(value: unknown, except: readonly string[] = []): boolean {
  if (typeof value !== "object" || value === null) return false;
  return emptied.has(value) || Object.entries(value).some(([name, inner]) => !except.includes(name) && hasEmptied(inner));
}
