import { declare, type FunctionDeclaration, member, overload } from "#lib/cel/declarations.ts";
import { BOOL, type CelType, INT, STRING, structType } from "#lib/cel/types.ts";
import { Failure, NO_SUCH_OVERLOAD, type OpaqueValue, type Value } from "#lib/cel/values.ts";
import { Held, method, ofText } from "./opaque.ts";

export const SEMVER = structType("kubernetes.Semver");

interface Version {
  readonly numbers: readonly [bigint, bigint, bigint];
  /** Numbers, and names that are none. */
  readonly prerelease: readonly (bigint | string)[];
  readonly build: readonly string[];
}

class SemverValue extends Held<Version> {
  override readonly type = SEMVER;

  override equals(other: OpaqueValue): boolean {
    return other instanceof SemverValue && compareVersions(this.held, other.held) === 0;
  }
}

export const SEMVER_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("semver", [
    overload("string_to_semver", [STRING], SEMVER, ofText(toSemver)),
    overload("string_bool_to_semver", [STRING, BOOL], SEMVER, ofText(toSemver)),
  ]),
  declare("isSemver", [
    overload("is_semver_string", [STRING], BOOL, ofText(isSemver)),
    overload("is_semver_string_bool", [STRING, BOOL], BOOL, ofText(isSemver)),
  ]),
  comparison("isGreaterThan", "semver_is_greater_than", BOOL, (order) => order > 0),
  comparison("isLessThan", "semver_is_less_than", BOOL, (order) => order < 0),
  comparison("compareTo", "semver_compare_to", INT, BigInt),
  part("major", 0),
  part("minor", 1),
  part("patch", 2),
];

function part(name: string, index: 0 | 1 | 2): FunctionDeclaration {
  const run = method(SemverValue, ({ numbers }) => BigInt.asIntN(64, numbers[index]));
  return declare(name, [member(`semver_${name}`, [SEMVER], INT, run)]);
}

function comparison(name: string, id: string, result: CelType, read: (order: number) => Value): FunctionDeclaration {
  const run = method(SemverValue, (held, other) => (other instanceof SemverValue ? read(compareVersions(held, other.held)) : NO_SUCH_OVERLOAD));
  return declare(name, [member(id, [SEMVER, SEMVER], result, run)]);
}

function isSemver(text: string, tolerant: Value = false): Value {
  return toSemver(text, tolerant) instanceof SemverValue;
}

/** @param tolerant takes a `v` in front, short versions and leading zeros, too */
function toSemver(text: string, tolerant: Value = false): Value {
  const normal = tolerant === true ? normalized(text) : text;
  const version = normal instanceof Failure ? normal : parseVersion(normal);
  return version instanceof Failure ? version : new SemverValue(version);
}

/** At most three parts, as Go's `SplitN` makes them. */
function inThree(text: string): string[] {
  const [first = "", second, ...rest] = text.split(".");
  return second === undefined ? [first] : rest.length === 0 ? [first, second] : [first, second, rest.join(".")];
}

function normalized(text: string): string | Failure {
  const parts = inThree(text.replace(/^v/, "")).map((each) => (each.length > 1 ? each.replace(/^0+(?=\d)/, "").replace(/^0+(?!\d)/, "0") : each));
  if (parts.length < 3 && /[+-]/.test(parts.at(-1)!)) return new Failure("short version cannot contain PreRelease/Build meta data");
  return [...parts, "0", "0"].slice(0, 3).join(".");
}

const MAX_UINT = 2n ** 64n - 1n;

/** @see blang/semver Parse */
function parseVersion(text: string): Version | Failure {
  if (text === "") return new Failure("Version string empty");
  const parts = inThree(text);
  if (parts.length !== 3) return new Failure("No Major.Minor.Patch elements found");
  const { core = "", pre, build } = /^(?<core>[^+-]*)(?:-(?<pre>[^+]*))?(?:\+(?<build>[^]*))?$/.exec(parts[2]!)?.groups ?? {};
  const numbers: bigint[] = [];
  for (const [i, digits] of [parts[0]!, parts[1]!, core].entries()) {
    const number = numberOf(digits, (["Major", "Minor", "Patch"] as const)[i]!);
    if (number instanceof Failure) return number;
    numbers.push(number);
  }
  return withSuffixes(numbers as [bigint, bigint, bigint], pre, build);
}

function numberOf(digits: string, what: string): bigint | Failure {
  if (!/^\d*$/.test(digits)) return new Failure(`Invalid character(s) found in ${what.toLowerCase()} number ${JSON.stringify(digits)}`);
  if (/^0./.test(digits)) return new Failure(`${what} number must not contain leading zeroes ${JSON.stringify(digits)}`);
  if (digits === "") return new Failure('strconv.ParseUint: parsing "": invalid syntax');
  const value = BigInt(digits);
  return value > MAX_UINT ? new Failure(`strconv.ParseUint: parsing ${JSON.stringify(digits)}: value out of range`) : value;
}

function withSuffixes(numbers: readonly [bigint, bigint, bigint], pre: string | undefined, build: string | undefined): Version | Failure {
  const prerelease: (bigint | string)[] = [];
  for (const name of pre?.split(".") ?? []) {
    if (name === "") return new Failure("Prerelease is empty");
    if (/^0\d+$/.test(name)) return new Failure(`Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(name)}`);
    if (!/^[0-9A-Za-z-]+$/.test(name)) return new Failure(`Invalid character(s) found in prerelease ${JSON.stringify(name)}`);
    prerelease.push(/^\d+$/.test(name) ? BigInt(name) : name);
  }
  const builds = build?.split(".") ?? [];
  for (const name of builds) {
    if (name === "") return new Failure("Build meta data is empty");
    if (!/^[0-9A-Za-z-]+$/.test(name)) return new Failure(`Invalid character(s) found in build meta data ${JSON.stringify(name)}`);
  }
  return { numbers, prerelease, build: builds };
}

/** -1, 0 or 1; builds do not count. */
function compareVersions(a: Version, b: Version): number {
  for (const i of [0, 1, 2] as const) if (a.numbers[i] !== b.numbers[i]) return a.numbers[i] > b.numbers[i] ? 1 : -1;
  const [x, y] = [a.prerelease, b.prerelease];
  if (x.length === 0 || y.length === 0) return Math.sign(y.length - x.length);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = comparePrerelease(x[i]!, y[i]!);
    if (order !== 0) return order;
  }
  return Math.sign(x.length - y.length);
}

/** Numbers come before names. */
function comparePrerelease(a: bigint | string, b: bigint | string): number {
  if (typeof a !== typeof b) return typeof a === "bigint" ? -1 : 1;
  return a === b ? 0 : a > b ? 1 : -1;
}
