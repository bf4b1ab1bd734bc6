/**
 * Memory and CPU of server and agent when nothing happens, beside two Node programs that only wait. Not containerd.
 *
 *     node bench/idle.ts [--seconds 60] [--settle 20] [--json]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { atEnd, benchmark, numberOption, progress } from "./support/benchmark.ts";
import { BenchCluster } from "./support/cluster.ts";
import { stopProgram } from "./support/command.ts";
import { pidOf, type Usage, usageOf } from "./support/processes.ts";
import type { Row } from "./support/row.ts";
import { TARGETS } from "./support/targets.ts";

await benchmark(async () => {
  const cluster = await BenchCluster.prepare();
  await cluster.up();
  const pids = { server: pidOf(cluster.dataDir, "server"), agent: pidOf(cluster.dataDir, "agent") };
  const seconds = numberOption("seconds", 60);
  const settle = numberOption("settle", 20);
  progress(`waits ${settle} s, then ${seconds} s`);
  await pause(settle * 1000);
  const begin = performance.now();
  const before = { server: usageOf(pids.server), agent: usageOf(pids.agent) };
  await pause(seconds * 1000);
  const after = { server: usageOf(pids.server), agent: usageOf(pids.agent) };
  const tookMs = performance.now() - begin;
  const percent = (role: "server" | "agent") => ((after[role].cpuMs - before[role].cpuMs) / tookMs) * 100;
  const waiting = await waitingPrograms();
  const both = (pick: (usage: Usage) => number) => pick(after.server) + pick(after.agent);
  const each = (pick: (usage: Usage) => number) => `server ${pick(after.server).toFixed(0)}, agent ${pick(after.agent).toFixed(0)}`;
  const name = "two waiting Node programs";
  const rows: Row[] = [
    {
      what: "server + agent idle: RSS",
      value: both(({ rssMb }) => rssMb),
      unit: "MB",
      note: each(({ rssMb }) => rssMb),
      floor: { name, value: waiting.rssMb },
      target: TARGETS.idleMemory,
    },
    {
      what: "server + agent idle: PSS",
      value: both(({ pssMb }) => pssMb),
      unit: "MB",
      note: each(({ pssMb }) => pssMb),
      floor: { name, value: waiting.pssMb },
    },
    {
      what: "server + agent idle: CPU of one core",
      value: percent("server") + percent("agent"),
      unit: "%",
      note: `over ${seconds} s: server ${percent("server").toFixed(2)}, agent ${percent("agent").toFixed(2)}`,
      target: TARGETS.idleCpu,
    },
  ];
  return rows;
});

async function waitingPrograms(): Promise<Pick<Usage, "rssMb" | "pssMb">> {
  const usages: Usage[] = [];
  const children = [1, 2].map(() => spawn(process.execPath, ["-e", "setInterval(() => {}, 1e9); console.log()"], { stdio: ["ignore", "pipe", "ignore"] }));
  atEnd(() => Promise.all(children.map(stopProgram)));
  for (const child of children) await once(child.stdout, "data");
  for (const { pid } of children) if (pid !== undefined) usages.push(usageOf(pid));
  const sum = (pick: (usage: Usage) => number) => usages.reduce((total, usage) => total + pick(usage), 0);
  return { rssMb: sum(({ rssMb }) => rssMb), pssMb: sum(({ pssMb }) => pssMb) };
}
