import type { SqliteRow } from "./schema.ts";

/** What the main thread asks of the writer thread; answers come in the order of the requests. */
export type WriterRequest =
  /** Makes an empty database; `path` appears when it is complete. */
  | { readonly kind: "create"; readonly path: string }
  /** Reads and checks a whole database, without changing it. Answers with rows come before the last one. */
  | { readonly kind: "load"; readonly path: string }
  | { readonly kind: "open"; readonly path: string; readonly maxBytes?: number }
  | { readonly kind: "write"; readonly rows: PackedRows }
  | { readonly kind: "compact"; readonly ids: Float64Array; readonly compactedRevision: number }
  /** Gives freed space back to the file system. */
  | { readonly kind: "shrink" }
  /** Fills pages again that are half empty, where that is quick; `bytes` is what the rows take. */
  | { readonly kind: "tidy"; readonly bytes: number }
  /** Writes the database anew, without what is free in it, and empties the log. */
  | { readonly kind: "scrub" }
  | { readonly kind: "close" };

export type WriterAnswer = { readonly ok: true; readonly rows?: PackedRows } | { readonly ok: false; readonly fault: WriterFault; readonly message: string };

/** `full`: no room. `corrupt`: what a check has found. */
export type WriterFault = "full" | "corrupt" | "other";

/**
 * Rows of one group, in a few buffers that change hands without a copy: posting an object for each row would cost more
 * than writing it.
 */
export interface PackedRows {
  /** NUL-separated; keys hold none. */
  readonly keys: string;
  /** For each row: id, revision, createRevision, length of the value; -1 for a delete. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly values: Uint8Array<ArrayBuffer>;
}

const NUMBERS_PER_ROW = 4;

export function packRows(rows: readonly SqliteRow[]): PackedRows {
  const numbers = new Float64Array(rows.length * NUMBERS_PER_ROW);
  const values = new Uint8Array(rows.reduce((sum, { value }) => sum + (value?.length ?? 0), 0));
  let at = 0;
  for (const [i, { id, revision, createRevision, value }] of rows.entries()) {
    numbers.set([id, revision, createRevision, value?.length ?? -1], i * NUMBERS_PER_ROW);
    if (value === undefined) continue;
    values.set(value, at);
    at += value.length;
  }
  return { keys: rows.map(({ key }) => key).join("\0"), numbers, values };
}

export function* unpackRows({ keys, numbers, values }: PackedRows): Generator<SqliteRow> {
  let at = 0;
  let place = 0;
  for (const key of keys.split("\0")) {
    const length = numbers[place + 3]!;
    const value = length < 0 ? undefined : values.subarray(at, at + length);
    at += Math.max(0, length);
    yield { id: numbers[place]!, revision: numbers[place + 1]!, createRevision: numbers[place + 2]!, key, value };
    place += NUMBERS_PER_ROW;
  }
}
