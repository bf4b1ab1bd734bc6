/**
 * Kills a server with SIGKILL again and again while clients write and watch, and counts what was lost: nothing may be. The
 * figure is how long it takes from the start of the process until it serves again.
 *
 * With `--datastore etcd` the server uses an etcd of three members, which is killed as well in each round.
 *
 *     node bench/crash.ts [--rounds 500] [--seed N] [--datastore etcd] [--json]
 */
import type { Rng } from "#lib/rng.ts";
import { outage } from "#test/crash/outage.ts";
import { crashRounds } from "#test/crash/rounds.ts";
import { ServerProcess } from "#test/crash/server-process.ts";
import { startEtcd } from "#test/etcd/etcd.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd, benchmark, numberOption, progress, textOption } from "./support/benchmark.ts";
import { median, quantile } from "./support/statistics.ts";

const PROGRESS_EVERY = 25;

await benchmark(async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const etcd = textOption("datastore") === "etcd" ? await startEtcd({ members: 3 }) : undefined;
  atEnd(() => etcd?.stop());
  const flags = etcd === undefined ? [] : ["--datastore-endpoint", etcd.endpoints.join(",")];
  const server = await ServerProcess.prepare({ folder, flags });
  atEnd(() => server.close());
  const rounds = numberOption("rounds", 500);
  const seed = numberOption("seed", 1 + Math.floor(Math.random() * 2 ** 31));
  progress(`seed ${seed}`);
  const { acknowledged, events, resumed, faults, recoveryMs } = await crashRounds({
    server,
    rounds,
    seed,
    ...(etcd !== undefined && { disturb: (rng: Rng) => outage(etcd, rng) }),
    onRound: (round, so) => round % PROGRESS_EVERY === 0 && progress(`${round} rounds, ${so.acknowledged} writes acknowledged, ${so.events} events`),
  });
  for (const fault of faults) progress(`LOST: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
  const n = (value: number) => value.toLocaleString("en-US");
  return [
    {
      what: "kills of the server: writes or events lost",
      value: faults.length,
      unit: "",
      note: `${rounds} kills, ${n(acknowledged)} writes acknowledged, ${n(events)} events, ${n(resumed)} watches resumed`,
      target: { must: 0, aim: 0 },
    },
    { what: "kill -9 of a small server → serving again", value: median(recoveryMs), unit: "ms", note: `p99 ${quantile(recoveryMs, 0.99).toFixed(0)} ms` },
  ];
});
