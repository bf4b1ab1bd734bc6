import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compile, type Compiled } from "../compile.ts";
import { toDuration, toTimestamp } from "../convert.ts";
import { type Environment, extend } from "../environment.ts";
import type { EstimatedNode, SizeEstimate } from "../estimate.ts";
import { formatValue } from "../inspect.ts";
import { fromJson } from "../json.ts";
import { BOOL, DURATION, DYN, INT, listOf, mapOf, STRING, TIMESTAMP } from "../types.ts";
import { Failure } from "../values.ts";

/** An expression, and what cel-go makes of it. */
interface Case {
  readonly expression: string;
  /** The text of a compilation's errors. */
  readonly refused?: string;
  /** A constant part fails whenever it runs, so that there is no program. */
  readonly impossible?: boolean;
  readonly value?: string;
  readonly error?: string;
  readonly cost?: number;
  readonly estimate?: readonly [number, number];
}

const VARIABLES = {
  x: INT,
  y: INT,
  s: STRING,
  d: DYN,
  li: listOf(INT),
  ls: listOf(STRING),
  ms: mapOf(STRING, STRING),
  md: mapOf(STRING, DYN),
  b: BOOL,
  ts: TIMESTAMP,
  du: DURATION,
};

const VALUES = {
  x: 7n,
  y: -3n,
  s: "héllo wörld",
  d: fromJson({ a: 1, n: { k: "v" }, l: [1, "two", 3.5] }),
  li: fromJson([1, 2, 3, 4]),
  ls: fromJson(["a", "bb", "ccc"]),
  ms: fromJson({ k: "v" }),
  md: fromJson({ a: 1, b: "two", c: [1, 2] }),
  b: true,
  ts: toTimestamp("2024-02-29T12:34:56.789Z"),
  du: toDuration("1h2m3.5s"),
};

/** Strings, lists and maps have at most 100 characters or elements, and what is in `ls` and `ms` at most 10. */
function sizeOf({ path = [] }: EstimatedNode): SizeEstimate | undefined {
  const [variable = ""] = path;
  if (path.length === 1 && ["s", "ls", "li", "ms", "md"].includes(variable)) return { min: 0, max: 100 };
  return path.length === 2 && ["ls", "ms"].includes(variable) ? { min: 0, max: 10 } : undefined;
}

/** Tests that every expression of a table comes out as it does in cel-go. @param file a JSON array of cases */
export function testCases(file: URL, environment: Environment): void {
  const extended = extend(environment, { variables: VARIABLES });
  for (const each of JSON.parse(readFileSync(file, "utf8")) as Case[]) {
    test(`compile() and evaluate() do as cel-go does: ${each.expression}`, () => {
      const compiled = compile(each.expression, extended);
      if (compiled.kind === "failure") return checkRefusal(each, compiled.message);
      checkEstimate(each, compiled);
      const { value, cost } = compiled.program.evaluate(VALUES);
      const found = value instanceof Failure ? { error: value.message } : { value: formatValue(value) };
      const wanted = each.error === undefined ? { value: each.value } : { error: each.error };
      assert.deepEqual({ ...found, cost }, { ...wanted, cost: each.cost });
    });
  }
}

function checkRefusal({ refused, impossible }: Case, message: string): void {
  if (impossible !== true) assert.equal(message, refused);
}

/** Bounds beyond the integers of a double are compared as doubles. */
function checkEstimate({ estimate: wanted }: Case, compiled: Compiled): void {
  assert.notEqual(wanted, undefined, "cel-go refuses the expression");
  const { min, max } = compiled.estimate({ size: sizeOf });
  assert.ok(isNear(min, wanted![0]) && isNear(max, wanted![1]), `estimated ${min} to ${max}, not ${wanted![0]} to ${wanted![1]}`);
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.abs(b) * 1e-12;
}
