/** A JSON object. Its keys come from clients: read and write them by `getOwn` and `setOwn` where they may be any. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member's value, never what objects inherit (`constructor`). */
export function getOwn<T>(object: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets a member, `__proto__` too, as `JSON.parse` does. */
export function setOwn(object: JsonObject, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** JSON that shares nothing with `value`, without its `undefined` members; bigints stay bigints. */
export function plainCopy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainCopy);
  if (!isObject(value)) return value;
  const object: JsonObject = {};
  for (const name of Object.keys(value)) if (value[name] !== undefined) setOwn(object, name, plainCopy(value[name]));
  return object;
}
