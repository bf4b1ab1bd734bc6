import { readFileSync } from "node:fs";

import type { PodTemplateSpec } from "#api/core-v1/types.ts";

/** Go's view of the types in a pod template: rows of [Go field name, JSON name ("" when inlined), Go type]. */
type GoTypes = Readonly<Record<string, readonly (readonly [string, string, string])[]>>;

let loaded: GoTypes | undefined;
const goTypes = (): GoTypes => (loaded ??= JSON.parse(readFileSync(new URL("./go-types.json", import.meta.url), "utf8")));

const remembered = new WeakMap<PodTemplateSpec, number>();

/**
 * The `pod-template-hash` of a template: FNV-1a over the text that upstream's dump of the Go value gives, so that
 * ReplicaSets made by upstream and by us have the same names.
 *
 * @param collisionCount the deployment's `status.collisionCount`; counted in only when it is set
 * @see kubernetes pkg/controller/controller_utils.go ComputeHash
 */
export function podTemplateHash(template: PodTemplateSpec, collisionCount?: number): string {
  let hash = remembered.get(template);
  if (hash === undefined) {
    hash = fnv1a(FNV_OFFSET, Buffer.from(`(v1.PodTemplateSpec)${dumpStruct("v1.PodTemplateSpec", template)}`));
    if (Object.isFrozen(template)) remembered.set(template, hash);
  }
  if (collisionCount !== undefined) {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(collisionCount);
    hash = fnv1a(hash, bytes);
  }
  return safeEncode(String(hash));
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** 32-bit FNV-1a, as Go's hash/fnv `New32a`. */
function fnv1a(seed: number, bytes: Uint8Array): number {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  return hash;
}

const SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** Maps each character into an alphabet that makes no words. */
function safeEncode(text: string): string {
  return Array.from(text, (char) => SAFE_ALPHABET[char.charCodeAt(0) % SAFE_ALPHABET.length]).join("");
}

type Value = Readonly<Record<string, unknown>>;

function dumpStruct(name: string, value: object): string {
  const fields = goTypes()[name]!.map(([go, json, type]) => `${go}:${dumpTyped(type, json === "" ? value : (value as Value)[json])}`);
  return `{${fields.join(" ")}}`;
}

/** A value with its type in front, as a field's value stands. */
function dumpTyped(type: string, value: unknown): string {
  return `(${type})${type.startsWith("*") ? dumpPointer(type.slice(1), value) : dumpPlain(type, value)}`;
}

const dumpPointer = (type: string, value: unknown) => (value === undefined || value === null ? "<nil>" : dumpPlain(type, value));

const EMPTY = {};

function dumpPlain(type: string, value: unknown): string {
  if (type.startsWith("[]")) return dumpList(type.slice(2), value as readonly unknown[] | undefined);
  if (type === "v1.ResourceList") return dumpMap("resource.Quantity", value as Value | undefined);
  if (type.startsWith("map[string]")) return dumpMap(type.slice("map[string]".length), value as Value | undefined);
  switch (type) {
    case "resource.Quantity":
      return dumpQuantity(String(value ?? "0"));
    case "intstr.IntOrString":
      return dumpIntOrString(value);
    case "v1.Time":
      return "{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}";
    case "bool":
      return String(value ?? false);
    case "int32":
    case "int64":
      return String(value ?? 0);
  }
  return goTypes()[type] === undefined ? String(value ?? "") : dumpStruct(type, (value ?? EMPTY) as object);
}

/** Decoding leaves no empty lists and maps: they are nil. */
function dumpList(type: string, list: readonly unknown[] | undefined): string {
  return list?.length ? `[${list.map((item) => dumpPlain(type, item)).join(" ")}]` : "<nil>";
}

function dumpMap(type: string, map: Value | undefined): string {
  const keys = Object.keys(map ?? {}).sort();
  return keys.length > 0 ? `map[${keys.map((key) => `${key}:${dumpPlain(type, map![key])}`).join(" ")}]` : "<nil>";
}

function dumpIntOrString(value: unknown): string {
  const isText = typeof value === "string";
  return `{Type:(intstr.Type)${isText ? 1 : 0} IntVal:(int32)${isText ? 0 : (value ?? 0)} StrVal:(string)${isText ? value : ""}}`;
}

const QUANTITY = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;
const DECIMAL_EXPONENT: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const MAX_FAST_DIGITS = 18;
const NANO = 9;

/** The inside of Go's Quantity as its parser leaves it: a small number and its text, or, for long ones, a big decimal. */
function dumpQuantity(text: string): string {
  const [, sign, whole = "", fraction = "", exponent, suffix] = QUANTITY.exec(text) ?? [];
  const power = BINARY.indexOf(suffix ?? "") + 1;
  const format = exponent !== undefined ? "DecimalExponent" : power > 0 ? "BinarySI" : "DecimalSI";
  const decimals = exponent === undefined ? (DECIMAL_EXPONENT[suffix ?? ""] ?? 0) : Number(exponent.slice(1));
  const digits = BigInt(`${whole}${fraction}` || "0");
  const value = (digits << BigInt(10 * power)) * (sign === "-" ? -1n : 1n);
  const scale = decimals - fraction.length;
  const spare = power > 0 ? 15 - whole.length - 3 * power - 1 : MAX_FAST_DIGITS - whole.length - fraction.length;
  const isFast = spare >= 0 && scale >= -NANO && (power === 0 || fraction === "");
  if (!isFast) return quantityParts(0n, 0, dumpBigDecimal(value * 10n ** BigInt(NANO + scale)), "", format);
  const isCanonical = power > 0 ? (digits & 7n) !== 0n : scale % 3 === 0 && !/^0|000$/.test(`${whole}${fraction}` || text);
  return quantityParts(value, scale, "<nil>", isCanonical || text === "0" ? text : "", format);
}

function quantityParts(value: bigint, scale: number, decimal: string, text: string, format: string): string {
  const amount = `i:(resource.int64Amount){value:(int64)${value} scale:(resource.Scale)${scale}}`;
  return `{${amount} d:(resource.infDecAmount){Dec:(*inf.Dec)${decimal}} s:(string)${text} Format:(resource.Format)${format}}`;
}

/** Go's inf.Dec at nano scale: a sign and 64-bit words, the lowest first. */
function dumpBigDecimal(unscaled: bigint): string {
  const words: bigint[] = [];
  for (let rest = unscaled < 0n ? -unscaled : unscaled; rest > 0n; rest >>= 64n) words.push(BigInt.asUintN(64, rest));
  return `{unscaled:(big.Int){neg:(bool)${unscaled < 0n} abs:(big.nat)[${words.join(" ")}]} scale:(inf.Scale)${NANO}}`;
}
