import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile } from "./compile.ts";
import { extend, STANDARD } from "./environment.ts";
import { fromJson } from "./json.ts";
import { testCases } from "./testing/cases.ts";
import { BOOL, DYN, INT, listOf, STRING, structType } from "./types.ts";
import { Failure, ObjectValue, type Value } from "./values.ts";

testCases(new URL("cases/language.json", import.meta.url), STANDARD);
testCases(new URL("cases/syntax.json", import.meta.url), STANDARD);

function run(expression: string, variables: Record<string, Value> = {}): Value {
  const types = Object.fromEntries(Object.keys(variables).map((name) => [name, DYN]));
  const compiled = compile(expression, extend(STANDARD, { variables: types }));
  if (compiled.kind !== "compiled") throw new Error(compiled.message);
  return compiled.program.evaluate(variables).value;
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test("evaluate() computes integers exactly, or says that they overflow", () => {
  fc.assert(
    fc.property(int64, int64, fc.constantFrom("+", "-", "*"), (a, b, operator) => {
      const exact = operator === "+" ? a + b : operator === "-" ? a - b : a * b;
      const value = run(`a ${operator} b`, { a, b });
      if (BigInt.asIntN(64, exact) === exact) assert.equal(value, exact);
      else assert.equal(value instanceof Failure && value.message, "integer overflow");
    }),
  );
});

test("evaluate() gives back every string that is written as a literal", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => assert.equal(run(JSON.stringify(text)), text)));
});

test("evaluate() of && and || absorbs failures whatever their side", () => {
  const operand = fc.constantFrom("true", "false", "1 / 0 == 1");
  fc.assert(
    fc.property(operand, operand, fc.constantFrom("&&", "||"), (a, b, operator) => {
      const decisive = operator === "||";
      const value = run(`${a} ${operator} ${b}`);
      if (a === String(decisive) || b === String(decisive)) assert.equal(value, decisive);
      else if (a.includes("/") || b.includes("/")) assert.ok(value instanceof Failure);
      else assert.equal(value, !decisive);
    }),
  );
});

test("evaluate() never costs more than was estimated", () => {
  const environment = extend(STANDARD, { variables: { l: listOf(INT), s: STRING, b: BOOL } });
  const leaf = fc.constantFrom("l.size()", "s.size()", "1", "l[0]", "(b ? 1 : 2)", "l.map(i, i + 1).size()");
  const expression = fc.tuple(leaf, leaf, leaf).map(([a, b, c]) => `l.all(i, i < ${a} || ${b} == ${c}) && s.contains(s + 'x') == b`);
  fc.assert(
    fc.property(expression, fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 }), fc.string({ maxLength: 8 }), (text, list, s) => {
      const compiled = compile(text, environment);
      if (compiled.kind !== "compiled") throw new Error(compiled.message);
      const size = ({ path = [] }: { readonly path: readonly string[] | undefined }): { min: number; max: number } | undefined =>
        path.length === 1 && path[0] !== "b" ? { min: 0, max: 8 } : undefined;
      const { cost } = compiled.program.evaluate({ l: fromJson(list), s, b: true });
      assert.ok(cost <= compiled.estimate({ size }).max);
    }),
  );
});

test("evaluate() ends when the budget is used up, though || would absorb a failure", () => {
  const compiled = compile("[1, 2, 3].map(i, [1, 2, 3].map(j, i * j)).size() > 0 || true", STANDARD);
  if (compiled.kind !== "compiled") throw new Error(compiled.message);
  const { value, exceeded } = compiled.program.evaluate({}, { budget: 50 });
  assert.equal(exceeded, true);
  assert.equal(value instanceof Failure && value.message, "operation cancelled: actual cost limit exceeded");
});

test("evaluate() pays for a match before it begins, so that one beyond the budget takes no time", () => {
  const compiled = compile("s.matches(p)", extend(STANDARD, { variables: { s: STRING, p: STRING } }));
  if (compiled.kind !== "compiled") throw new Error(compiled.message);
  const { exceeded, cost } = compiled.program.evaluate({ s: "a".repeat(1_000_000), p: "(a{1000}|b)".repeat(90) }, { budget: 1_000_000 });
  assert.equal(exceeded, true);
  assert.ok(cost > 1_000_000);
});

test("evaluate() computes a lazy variable once, and only when it is asked for", () => {
  let computed = 0;
  const compiled = compile("b || (v == 1 && v == 1)", extend(STANDARD, { variables: { b: BOOL, v: INT } }));
  if (compiled.kind !== "compiled") throw new Error(compiled.message);
  const v = (): Value => {
    computed++;
    return 1n;
  };
  assert.equal(compiled.program.evaluate({ b: true, v }).value, true);
  assert.equal(computed, 0);
  assert.equal(compiled.program.evaluate({ b: false, v }).value, true);
  assert.equal(computed, 1);
});

const PROVIDER = {
  has: (name: string) => name === "Pod",
  field: (_: string, field: string) => ({ name: STRING, ready: BOOL })[field],
  create: (name: string, fields: ReadonlyMap<string, Value>) => new ObjectValue(name, fields),
};
const PODS = extend(STANDARD, { variables: { pod: structType("Pod") }, provider: PROVIDER });

for (const { expression, message } of [
  { expression: "pod.naem == 'a'", message: "ERROR: <input>:1:4: undefined field 'naem'\n | pod.naem == 'a'\n | ...^" },
  {
    expression: "Pod{name: 1}",
    message: "ERROR: <input>:1:9: expected type of field 'name' is 'string' but provided type is 'int'\n | Pod{name: 1}\n | ........^",
  },
  {
    expression: "pod.name + 1 == 2",
    message: "ERROR: <input>:1:10: found no matching overload for '_+_' applied to '(string, int)'\n | pod.name + 1 == 2\n | .........^",
  },
]) {
  test(`compile() refuses what the type of an object does not allow: ${expression}`, () => {
    const compiled = compile(expression, PODS);
    assert.equal(compiled.kind === "failure" && compiled.message, message);
  });
}

test("evaluate() makes objects, whose fields can be read and tested", () => {
  const compiled = compile("Pod{name: 'a'}.name == pod.name && !has(Pod{name: 'a'}.ready)", PODS);
  if (compiled.kind !== "compiled") throw new Error(compiled.message);
  assert.equal(compiled.program.evaluate({ pod: fromJson({ name: "a" }) }).value, true);
});

test("compile() refuses an expression that nests deeper than upstream's parser goes", () => {
  const compiled = compile(`${"(".repeat(300)}1${")".repeat(300)}`, STANDARD);
  assert.equal(compiled.kind === "failure" && compiled.message.split("\n")[0], "ERROR: <input>:-1:0: expression recursion limit exceeded: 250");
});
