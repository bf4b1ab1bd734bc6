import { isObject } from "#apimachinery/decode/own.ts";

/** A JSON value as Go's `%v` prints it, for the errors that contain one: `map[a:1 b:[x y]]`. */
export function printGo(value: unknown, verb: "%v" | "%s" = "%v"): string {
  if (Array.isArray(value)) return `[${value.map((item) => printGo(item, verb)).join(" ")}]`;
  if (isObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((key) => `${key}:${printGo(value[key], verb)}`);
    return `map[${members.join(" ")}]`;
  }
  if (value === null || value === undefined) return verb === "%s" ? "%!s(<nil>)" : "<nil>";
  return verb === "%s" && typeof value !== "string" ? `%!s(${goType(value)}=${String(value)})` : String(value);
}

/** The Go type that a JSON value is decoded to where no other is asked for. */
export function goType(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "number":
      return Number.isInteger(value) ? "int64" : "float64";
    default:
      return value === null || value === undefined ? "%!s(<nil>)" : "map[string]interface {}";
  }
}
