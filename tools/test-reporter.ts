import type { TestEvent } from "node:test/reporters";

/** Begins the line that carries the counts to `tools/test.ts`. */
export const COUNTS_MARK = "@counts ";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A reporter for `node --test`: failures with their reasons, slow tests, the counts, and of a run that is ended early what hung. */
export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const running = new Map<string, Place>();
  for await (const event of events) {
    if (event.type === "test:dequeue") running.set(keyOf(event.data), event.data);
    if (event.type === "test:complete") running.delete(keyOf(event.data));
    if (event.type === "test:interrupted") yield hungText([...running.values()]);
    if (event.type === "test:fail") yield failureText(event.data);
    if (event.type === "test:stderr") yield event.data.message;
    if (event.type === "test:pass" && event.data.details.duration_ms > SLOW_MS && event.data.nesting === 0) {
      yield `  ${(event.data.details.duration_ms / 1000).toFixed(1)} s  ${event.data.name}\n`;
    }
    if (event.type === "test:summary" && event.data.file === undefined) {
      const { tests, passed, skipped, todo } = event.data.counts;
      yield `${COUNTS_MARK}${JSON.stringify({ passed, failed: tests - passed - skipped - todo, skipped })}\n`;
    }
  }
}

const SLOW_MS = 5000;

interface Place {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
}

function keyOf({ name, file = "", line = 0 }: Place): string {
  return `${file}:${line}:${name}`;
}

/** Tests that had begun; of a file that has none, the file: something keeps its process alive. */
function hungText(running: readonly Place[]): string {
  const isFile = ({ name, file = "" }: Place) => file.endsWith(name);
  const tests = running.filter((place) => !isFile(place));
  const files = running.filter((place) => isFile(place) && !tests.some(({ file }) => file === place.file));
  return [...tests, ...files].map(({ name, file = "", line = "" }) => `✖ still ran: ${name}\n  ${file}:${line}\n`).join("");
}

type Failure = Extract<TestEvent, { type: "test:fail" }>["data"];

/** Empty for a test that failed only because one inside it did. */
function failureText({ name, file, line, details }: Failure): string {
  const { error } = details as { error: Error & { failureType?: string } };
  if (error.failureType === "subtestsFailed") return "";
  const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause ?? error.message);
  return `✖ ${name}\n  ${file ?? ""}:${line ?? ""}\n${cause.replace(/^/gm, "    ")}\n`;
}
