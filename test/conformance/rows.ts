import assert from "node:assert/strict";

import { eventually } from "#test/e2e/support/eventually.ts";

import type { KubectlUser } from "./kubectl-user.ts";

/** One command of a user's, and what it says. */
export interface Row {
  readonly name: string;
  readonly program: "kubectl" | "helm";
  readonly words: readonly string[];
  /** kubectl has it from this minor version on. */
  readonly since?: number;
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly code?: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
  /** What it tells of comes in a moment: it is asked again. */
  readonly again?: boolean;
}

type Options = Omit<Row, "name" | "words" | "stdout" | "program">;
type Words = string | readonly string[];

const rowOf =
  (program: Row["program"]) =>
  (name: string, words: Words, stdout: RegExp, options: Options = {}) => ({
    name,
    program,
    words: typeof words === "string" ? words.split(" ") : words,
    stdout,
    ...options,
  });

/** Makes a row of kubectl's. */
export const row: (name: string, words: Words, stdout: RegExp, options?: Options) => Row = rowOf("kubectl");
/** Makes a row of Helm's. */
export const helmRow: typeof row = rowOf("helm");

/** However slow the machine is. */
const AGAIN_MS = 90_000;

/** Does what a row says. @throws when something else comes of it */
export function checkRow({ again = false, ...row }: Row, user: KubectlUser): Promise<void> {
  return again ? eventually(() => checkOnce(row, user), AGAIN_MS) : checkOnce(row, user);
}

async function checkOnce({ program, words, code = 0, stdout, stderr, ...options }: Row, user: KubectlUser): Promise<void> {
  const said = program === "helm" ? await user.helm(words, options) : await user.run(words, options);
  const all = `${program} ${words.join(" ")}\n${JSON.stringify(said, undefined, 1)}`;
  assert.equal(said.code, code, all);
  if (stdout !== undefined) assert.match(said.stdout, stdout, all);
  if (stderr !== undefined) assert.match(said.stderr, stderr, all);
}
