import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import fc from "fast-check";

import { LogFormat, type LogOptions } from "./log-format.ts";
import { readLog } from "./read-log.ts";
import { tailStart } from "./tail-start.ts";

const PLAIN: LogOptions = { follow: false, timestamps: false };
const line = (text: string, tag = "F", second = 0, stream = "stdout") =>
  `2026-01-02T03:04:${String(second).padStart(2, "0")}.123456789Z ${stream} ${tag} ${text}\n`;

function formatted(text: string, options: Partial<LogOptions>, size = text.length): string {
  const format = new LogFormat({ ...PLAIN, ...options });
  const bytes = Buffer.from(text);
  let output = "";
  for (let at = 0; at < bytes.length; at += size) output += format.feed(bytes.subarray(at, at + size)).toString();
  return output + format.finish().toString();
}

for (const { name, log, options, want } of [
  { name: "gives the text alone", log: line("a b") + line("c", "F", 0, "stderr"), options: {}, want: "a b\nc\n" },
  { name: "joins the parts of a long line", log: line("ab", "P") + line("cd", "P") + line("ef"), options: {}, want: "abcdef\n" },
  { name: "takes tags apart", log: line("ab", "P:x") + line("cd", "F:y"), options: {}, want: "abcd\n" },
  {
    name: "puts one time before a joined line",
    log: line("ab", "P") + line("cd", "F", 1) + line("", "F", 2),
    options: { timestamps: true },
    want: "2026-01-02T03:04:00.123456789Z abcd\n2026-01-02T03:04:02.123456789Z \n",
  },
  { name: "leaves out what is older", log: line("a") + line("b", "F", 5), options: { sinceMs: Date.parse("2026-01-02T03:04:05Z") }, want: "b\n" },
  { name: "stops at the limit of bytes", log: line("abc") + line("def"), options: { limitBytes: 5 }, want: "abc\nd" },
  { name: "skips what is no log line", log: `nonsense\n${line("a")}`, options: {}, want: "a\n" },
  { name: "gives a last line without its end", log: `${line("a")}2026-01-02T03:04:00Z stdout F tail`, options: {}, want: "a\ntail" },
]) {
  test(`LogFormat ${name}`, () => {
    assert.equal(formatted(log, options), want);
    assert.equal(formatted(log, options, 3), want);
  });
}

describe("a log file", () => {
  let dir: string;
  before(() => void (dir = mkdtempSync(join(tmpdir(), "log-"))));
  after(() => rmSync(dir, { recursive: true, force: true }));

  test("tailStart() finds the last lines as a naive version does", async () => {
    const path = join(dir, "tail");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(200_000), { maxLength: 6 }), fc.boolean(), fc.nat(8), async (lengths, ended, lines) => {
        const text = lengths.map((length) => "x".repeat(length)).join("\n") + (ended ? "\n" : "");
        writeFileSync(path, text);
        const file = await open(path);
        const start = await tailStart(file, lines);
        await file.close();
        const parts = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
        assert.equal(text.length - start, parts.slice(parts.length - Math.min(lines, parts.length)).join("").length);
      }),
      { numRuns: 60 },
    );
  });

  test("readLog() follows over a rotation and ends with the container", async () => {
    const path = join(dir, "0.log");
    const ended = Promise.withResolvers<void>();
    writeFileSync(path, line("one") + line("two"));
    let output = "";
    const steps: Record<string, () => void> = {
      "two\n": () => appendFileSync(path, line("thr", "P")),
      "two\nthr": () => {
        appendFileSync(path, line("ee"));
        renameSync(path, `${path}.20260102-030405`);
        writeFileSync(path, line("four"));
      },
      "two\nthree\nfour\n": () => {
        appendFileSync(path, line("five"));
        ended.resolve();
      },
    };
    for await (const bytes of readLog({ path, ended: () => ended.promise }, { ...PLAIN, follow: true, tailLines: 1 }, new AbortController().signal)) {
      output += bytes.toString();
      steps[output]?.();
    }
    assert.equal(output, "two\nthree\nfour\nfive\n");
  });

  test("readLog() ends when its reader leaves", async () => {
    const path = join(dir, "1.log");
    const gone = new AbortController();
    writeFileSync(path, line("one"));
    let told = false;
    const ended = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener("abort", () => {
          told = true;
          reject(new Error("left"));
        });
      });
    for await (const bytes of readLog({ path, ended }, { ...PLAIN, follow: true }, gone.signal)) {
      assert.equal(bytes.toString(), "one\n");
      gone.abort();
    }
    assert.ok(told);
  });
});
