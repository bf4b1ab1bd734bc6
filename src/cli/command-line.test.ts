import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nearest, parseCommandLine } from "./command-line.ts";
import { completion } from "./completion.ts";
import { ERRORS } from "./error-table.ts";
import { formatError, SkiffError } from "./errors.ts";
import { explain } from "./explain.ts";
import { helpOf, overview, VERBS } from "./verbs.ts";

test("parseCommandLine() reads a verb, its flags and what follows", () => {
  const { verb, arguments: args } = parseCommandLine(["logs", "-f", "server", "--data-dir", "/d"]);
  assert.equal(verb.name, "logs");
  assert.deepEqual({ ...args.flags }, { follow: true, "data-dir": "/d" });
  assert.deepEqual(args.positionals, ["server"]);
});

test("parseCommandLine() hands kubectl everything as it is", () => {
  assert.deepEqual(parseCommandLine(["kubectl", "get", "-o", "json", "--all"]).arguments.positionals, ["get", "-o", "json", "--all"]);
});

for (const [words, reason] of [
  [["satus"], "did you mean status?"],
  [["up", "--data-dri", "/d"], "did you mean --data-dir?"],
  [["zzz"], undefined],
] as const) {
  test(`parseCommandLine() of ${words.join(" ")} suggests ${reason ?? "nothing"}`, () => {
    assert.throws(() => parseCommandLine(words), { id: "SKF-0201", reason, exitCode: 2 });
  });
}

test("nearest() gives nothing when nothing is near", () => {
  assert.equal(nearest("abcdef", ["uvwxyz"]), undefined);
});

test("formatError() has the four lines of every error", () => {
  const error = new SkiffError("SKF-1101", "port 6443 is in use by haproxy (pid 812)", { remedy: "skiff up --https-listen-port 6444" });
  assert.equal(
    formatError(error),
    "error[SKF-1101]: port 6443 is in use by haproxy (pid 812)\ncause: a port is taken\ntry: skiff up --https-listen-port 6444\nmore: skiff explain SKF-1101\n",
  );
});

test("the exit code of an error stands in its number", () => {
  for (const [id, { exitCode }] of Object.entries(ERRORS)) assert.equal(Number(id.slice(4, 6)), exitCode, id);
});

test("the launcher reports only errors of the table, with their exit codes", () => {
  const launcher = readFileSync(new URL("../../skiff", import.meta.url), "utf8");
  const used = [...launcher.matchAll(/fail (SKF-\d{4}) (\d+)/g)];
  assert.ok(used.length >= 5);
  for (const [, id = "", exitCode] of used) assert.equal(ERRORS[id as keyof typeof ERRORS]?.exitCode, Number(exitCode), id);
});

test("explain() tells of every error, in any case", () => {
  for (const id of Object.keys(ERRORS)) assert.match(explain(id.toLowerCase()), new RegExp(`^${id}: `));
  assert.throws(() => explain("SKF-9999"), { id: "SKF-1401" });
});

test("help and completion name every verb", () => {
  for (const shell of ["bash", "zsh", "fish"]) for (const { name } of VERBS) assert.match(completion(shell), new RegExp(`\\b${name}\\b`));
  for (const verb of VERBS) assert.ok(overview().includes(verb.summary) && helpOf(verb).includes("--help"));
  assert.throws(() => completion("tcsh"), { id: "SKF-0201" });
});
