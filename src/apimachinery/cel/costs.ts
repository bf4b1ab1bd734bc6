import { extensionCallCost } from "#lib/cel/extensions/costs.ts";
import { actualSize, type CallCost, COST, matchCost, traversal } from "#lib/cel/runtime-cost.ts";
import { ListValue, MapValue, OpaqueValue, type Value } from "#lib/cel/values.ts";
import { FormatValue } from "./named-format.ts";

/** An authorization is dear: an expression can afford two. */
export const CHECK_COST = 350_000;

/** What costs 1, whatever its arguments. */
export const NOMINAL: ReadonlySet<string> = new Set(
  [
    "serviceAccount path group resource subresource namespace name allowed reason error errored",
    "masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast",
    "format.named sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch",
    "getScheme getHostname getHost getPort getEscapedPath getQuery",
  ].flatMap((names) => names.split(" ")),
);

/** What costs one traversal of the first argument. */
export const ONE_TRAVERSAL: ReadonlySet<string> = new Set(
  "url lowerAscii upperAscii substring trim jsonpatch.escapeKey cidr isIP isCIDR quantity isQuantity semver isSemver".split(" "),
);

/** The first argument is read to its last character. */
const WHOLE_LIST: ReadonlySet<string> = new Set(["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"]);

/** A selector's requirements take at least two characters each, and a list and an object. */
function selectorCost(length: number): number {
  return COST.list + traversal(length) + Math.ceil(Math.ceil(length * 0.5) * (COST.list + COST.struct));
}

/** What calls of Kubernetes' libraries cost. @see k8s.io/apiserver pkg/cel/library/cost.go */
export const callCost: CallCost = (name, overloadId, args, result) => {
  const extension = extensionCallCost(overloadId, args, result);
  if (extension !== undefined) return extension;
  if (NOMINAL.has(name)) return 1;
  const [first = null, second = null] = args;
  if (ONE_TRAVERSAL.has(name)) return traversal(actualSize(first));
  if (WHOLE_LIST.has(name)) return args.length === 0 ? 0 : walk(first);
  switch (name) {
    case "check":
      return CHECK_COST;
    case "fieldSelector":
    case "labelSelector":
      return selectorCost(actualSize(second));
    case "replace":
    case "split":
    case "ip.isCanonical":
      return Math.ceil(actualSize(first) * 2 * COST.perCharacter);
    case "join":
      return Math.ceil(actualSize(result) * 2 * COST.perCharacter);
    case "find":
    case "findAll":
      return args.length < 2 ? undefined : matchCost(actualSize(first), actualSize(second));
    case "ip":
      return overloadId === "cidr_ip" ? 1 : traversal(actualSize(first));
    case "containsIP":
    case "containsCIDR":
      return containsCost(name, overloadId, actualSize(first), actualSize(second));
    case "validate":
      return first instanceof FormatValue ? matchCost(actualSize(second), first.held.patternSize) : undefined;
    case "_==_":
      return first instanceof OpaqueValue ? 1 : undefined;
    default:
      return undefined;
  }
};

function containsCost(name: string, overloadId: string, size: number, other: number): number {
  const compared = traversal(size + size) + (name === "containsCIDR" ? traversal(size) + 1 : 0);
  return compared + (overloadId.endsWith("_string") ? traversal(other) : 0);
}

/** Reading a value with all that is in it. */
function walk(value: Value): number {
  if (typeof value === "string") return Math.trunc(Buffer.byteLength(value) * COST.perCharacter);
  if (value instanceof Uint8Array) return Math.trunc(value.length * COST.perCharacter);
  let cost = 0;
  if (value instanceof ListValue) for (const item of value) cost += walk(item);
  else if (value instanceof MapValue) for (const key of value.keys()) cost += walk(key) + walk(value.get(key) ?? null);
  else return 1;
  return cost;
}
