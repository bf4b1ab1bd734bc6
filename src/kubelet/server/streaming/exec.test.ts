import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import type { Tasks } from "#kubelet/cri/tasks.ts";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

import type { CommandStreams, Outcome } from "./command-streams.ts";
import { runExec } from "./exec.ts";
import type { FifoMaker } from "./fifos.ts";

test("runExec() into a container that is gone tells the client, and leaves no pipes behind", async () => {
  const dir = mkdtempSync(join(tmpdir(), "skiff-exec-"));
  const outcomes: Outcome[] = [];
  const tasks = { processOf: () => Promise.reject(new Error("no such container")) } as unknown as Tasks;
  const fifos = { take: async () => ({ dir: mkdtempSync(join(dir, "set-")) }) } as unknown as FifoMaker;
  const streams = { finish: async (outcome: Outcome) => void outcomes.push(outcome) } as unknown as CommandStreams;
  const request = { containerId: "c1", command: ["true"], stdin: false, stdout: true, stderr: true, tty: false };
  await runExec(request, streams, { tasks, fifos, clock: new SimClock(), rng: seededRng(1), log: silentLogger });
  assert.match(outcomes[0]?.kind === "failed" ? outcomes[0].message : "", /no such container$/);
  assert.deepEqual(readdirSync(dir), []);
  rmSync(dir, { recursive: true });
});
