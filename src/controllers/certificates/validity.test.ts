import assert from "node:assert/strict";
import { test } from "node:test";

import { validityFor } from "./validity.ts";

const [MINUTE, YEAR] = [60_000, 365 * 86_400_000];

for (const { asked, fromMs, toMs } of [
  { asked: undefined, fromMs: -5 * MINUTE, toMs: YEAR - 5 * MINUTE },
  { asked: 1, fromMs: -5 * MINUTE, toMs: 10 * MINUTE },
  { asked: 3600, fromMs: -5 * MINUTE, toMs: 60 * MINUTE },
  { asked: 28_800, fromMs: -5 * MINUTE, toMs: 475 * MINUTE },
  { asked: 2 ** 31 - 1, fromMs: -5 * MINUTE, toMs: YEAR - 5 * MINUTE },
]) {
  test(`validityFor() ${asked} s`, () => assert.deepEqual(validityFor(asked, 1e12), { notBeforeMs: 1e12 + fromMs, notAfterMs: 1e12 + toMs }));
}
