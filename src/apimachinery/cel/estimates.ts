import { matchEstimate } from "#lib/cel/estimate-calls.ts";
import type { CallEstimate, CostEstimate, EstimatedNode, Estimator } from "#lib/cel/estimate.ts";
import { estimateExtensionCall } from "#lib/cel/extensions/costs.ts";
import { COST } from "#lib/cel/runtime-cost.ts";
import { fixed, plus, scaled, type SizeEstimate, times, UNBOUNDED, union, UNKNOWN } from "#lib/cel/size-estimate.ts";
import { sameType } from "#lib/cel/types.ts";
import { AUTHORIZER, DECISION, GROUP_CHECK, PATH_CHECK, RESOURCE_CHECK } from "./authorizer.ts";
import { CHECK_COST, NOMINAL, ONE_TRAVERSAL } from "./costs.ts";
import { FORMAT } from "./named-format.ts";
import { CIDR, IP } from "./network.ts";
import { QUANTITY } from "./quantity.ts";
import { SEMVER } from "./semver.ts";
import { URL_TYPE } from "./urls.ts";

const MAX_FORMAT_NAME = 64;
const MAX_FORMAT_PATTERN = 128;
/** Functions of a string that leave its length as it is. */
const SAME_LENGTH: ReadonlySet<string> = new Set(["lowerAscii", "upperAscii", "substring", "trim"]);
const SINGLE_COST = [QUANTITY, AUTHORIZER, PATH_CHECK, GROUP_CHECK, RESOURCE_CHECK, DECISION, SEMVER, IP, CIDR];

interface Call {
  readonly name: string;
  readonly id: string;
  readonly target: EstimatedNode | undefined;
  readonly args: readonly EstimatedNode[];
  readonly sizeOf: (node: EstimatedNode | undefined) => SizeEstimate;
}

/**
 * What calls of Kubernetes' libraries may cost; for `Estimator.call`.
 *
 * @param sizes what is known of the sizes of variables and of what is in them
 * @see k8s.io/apiserver pkg/cel/library/cost.go
 */
export function estimateCall(
  sizes: Pick<Estimator, "size">,
  name: string,
  id: string,
  target: EstimatedNode | undefined,
  args: readonly EstimatedNode[],
): CallEstimate | undefined {
  const extension = estimateExtensionCall(sizes, id, target, args);
  if (extension !== undefined) return extension;
  const sizeOf = (node: EstimatedNode | undefined): SizeEstimate => (node === undefined ? UNKNOWN : (node.size ?? sizes.size(node) ?? UNKNOWN));
  const call: Call = { name, id, target, args, sizeOf };
  if (NOMINAL.has(name)) return { cost: fixed(1) };
  return estimateText(call) ?? estimateOther(call, sizes);
}

function estimateText(call: Call): CallEstimate | undefined {
  const { name, target, args, sizeOf } = call;
  if (SAME_LENGTH.has(name)) return target && { cost: scaled(sizeOf(target), COST.perCharacter), resultSize: sizeOf(target) };
  if (name === "url" || name === "jsonpatch.escapeKey") return { cost: scaled(sizeOf(args[0]), COST.perCharacter), resultSize: sizeOf(args[0]) };
  if (ONE_TRAVERSAL.has(name)) return { cost: scaled(sizeOf(args[0]), COST.perCharacter) };
  switch (name) {
    case "ip.isCanonical":
      return { cost: scaled(sizeOf(args[0]), 2 * COST.perCharacter) };
    case "replace":
      return target && args.length >= 2 ? replaced(sizeOf(target), sizeOf(args[0]), sizeOf(args[1])) : undefined;
    case "split":
      return target && { cost: scaled(sizeOf(target), 2 * COST.perCharacter), resultSize: { min: 0, max: splitLimit(args[1]) ?? sizeOf(target).max } };
    case "find":
    case "findAll":
      return target && { cost: matchEstimate(sizeOf(target), sizeOf(args[0])), resultSize: { min: 0, max: sizeOf(target).max } };
    case "validate":
      return { cost: scaled(scaled(sizeOf(args[0]), COST.perCharacter), MAX_FORMAT_PATTERN * COST.perPatternCharacter) };
    default:
      return undefined;
  }
}

function estimateOther(call: Call, sizes: Pick<Estimator, "size">): CallEstimate | undefined {
  const { name, id, target, args, sizeOf } = call;
  switch (name) {
    case "check":
      return { cost: fixed(CHECK_COST) };
    case "fieldSelector":
    case "labelSelector":
      return args.length === 1 ? { cost: selectorEstimate(sizeOf(args[0])) } : undefined;
    case "isSorted":
    case "sum":
    case "max":
    case "min":
    case "indexOf":
    case "lastIndexOf":
      return target && { cost: wholeList(target, sizeOf) };
    case "join":
      return target && joined(call, sizes);
    case "ip":
      return { cost: id === "cidr_ip" ? fixed(1) : scaled(sizeOf(args[0]), COST.perCharacter) };
    case "containsIP":
    case "containsCIDR":
      return { cost: contains(call) };
    case "_==_":
      return equality(args);
    default:
      return undefined;
  }
}

function selectorEstimate(length: SizeEstimate): CostEstimate {
  return plus(fixed(COST.list), scaled(length, COST.perCharacter), scaled(scaled(length, 0.5), COST.list + COST.struct));
}

/** The elements of a list, as a node of their own. */
function elementOf({ type, path }: EstimatedNode): EstimatedNode | undefined {
  const [element] = type.params;
  return element && { type: element, path: path && [...path, "@items"], size: undefined, expr: undefined };
}

function wholeList(target: EstimatedNode, sizeOf: Call["sizeOf"]): CostEstimate {
  const element = elementOf(target);
  if (element === undefined) return scaled(sizeOf(target), COST.perCharacter);
  const isText = element.type.kind === "string" || element.type.kind === "bytes";
  const each = isText ? plus(fixed(1), scaled(sizeOf(element), COST.perCharacter)) : fixed(1);
  return times(sizeOf(target), each);
}

function joined({ target, args, sizeOf }: Call, _: Pick<Estimator, "size">): CallEstimate {
  const count = sizeOf(target);
  const element = target && elementOf(target);
  let size: SizeEstimate = element === undefined ? fixed(0) : times(count, sizeOf(element));
  if (args.length > 0) size = plus(size, times(sizeOf(args[0]), { min: Math.max(0, count.min - 1), max: Math.max(0, count.max - 1) }));
  return { cost: scaled(size, COST.perCharacter), resultSize: size };
}

function splitLimit(limit: EstimatedNode | undefined): number | undefined {
  const node = limit?.expr?.node;
  if (node?.kind !== "literal" || typeof node.value !== "bigint") return undefined;
  return node.value < 0n ? UNBOUNDED : Number(node.value);
}

/** As many replacements as there may be, of the shortest parts by the longest, and the other way about. */
function replaced(size: SizeEstimate, old: SizeEstimate, by: SizeEstimate): CallEstimate {
  const most = bounds(size.max, old.min, by.max <= old.min);
  const least = bounds(size.min, old.max, old.max <= by.min);
  const count = { min: least.count, max: most.count };
  const kept = { min: least.kept, max: most.kept };
  return { cost: scaled(size, 2 * COST.perCharacter), resultSize: plus(times(count, by), kept) };
}

function bounds(size: number, old: number, isNeutral: boolean): { readonly count: number; readonly kept: number } {
  if (old === 0) return { count: Math.min(size + 1, UNBOUNDED), kept: size };
  return isNeutral ? { count: 0, kept: size } : { count: Math.ceil(size / old), kept: 0 };
}

function contains({ name, id, args, sizeOf }: Call): CostEstimate {
  const size = { min: 4, max: 16 };
  const compared = scaled(plus(size, size), COST.perCharacter);
  const inner = name === "containsCIDR" ? plus(scaled(size, COST.perCharacter), fixed(1)) : fixed(0);
  return plus(compared, inner, id.endsWith("_string") ? scaled(sizeOf(args[0]), COST.perCharacter) : fixed(0));
}

function equality([left, right]: readonly EstimatedNode[]): CallEstimate | undefined {
  if (left === undefined || right === undefined || !sameType(left.type, right.type)) return undefined;
  if (SINGLE_COST.some((type) => sameType(type, left.type))) return { cost: fixed(1) };
  if (sameType(left.type, FORMAT)) return { cost: scaled({ min: 1, max: MAX_FORMAT_NAME }, COST.perCharacter) };
  if (!sameType(left.type, URL_TYPE)) return undefined;
  // Upstream looks at the right side twice.
  const size = right.size === undefined ? fixed(1) : union(right.size, right.size);
  return { cost: scaled({ min: 1, max: size.max }, COST.perCharacter) };
}
