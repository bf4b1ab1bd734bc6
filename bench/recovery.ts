/**
 * kill -9 → serving again, with 100,000 objects in the store: from the start of the server's process until a GET over TLS is
 * answered, and until a list of 500 is.
 *
 *     node bench/recovery.ts [--objects 100000] [--runs 5] [--controllers false] [--json]
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PODS } from "#api/builtin.ts";
import { pathsOf } from "#cli/paths.ts";
import { ServerProcess } from "#test/crash/server-process.ts";
import { atEnd, benchmark, numberOption, progress, textOption } from "./support/benchmark.ts";
import { eventually } from "./support/command.ts";
import { usageOf } from "./support/processes.ts";
import { median, spread } from "./support/statistics.ts";
import { TARGETS } from "./support/targets.ts";

const CLIENTS = 64;
const NAMESPACE = "default";

await benchmark(async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));

  const flags = textOption("controllers") === "false" ? [] : ["--without-controllers", "false"];
  const server = await ServerProcess.prepare({ folder, flags });
  atEnd(() => server.close());
  server.start();
  await server.ready();
  const objects = numberOption("objects", 100_000);
  await fill(server, objects);
  const { database } = pathsOf(server.dataDir);
  progress(`${objects} pods; database ${megabytes(database)}, log ${megabytes(`${database}-wal`)}`);
  const runs: { readonly getMs: number; readonly listMs: number; readonly cpuMs: number; readonly rssMb: number }[] = [];
  for (let run = 0; run < numberOption("runs", 5); run++) {
    await server.kill();
    runs.push(await recover(server, objects));
    const { getMs, listMs, cpuMs, rssMb } = runs.at(-1)!;
    progress(`GET after ${getMs.toFixed(0)} ms, list after ${listMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms of CPU until then, RSS ${rssMb.toFixed(0)} MB`);
  }
  const all = (pick: (run: (typeof runs)[number]) => number) => runs.map(pick);
  const cpu = `CPU ${median(all(({ cpuMs }) => cpuMs)).toFixed(0)} ms`;
  const n = objects.toLocaleString("en-US");
  return [
    { what: `kill -9 → a GET is answered, ${n} pods`, value: median(all(({ getMs }) => getMs)), unit: "ms", note: spread(all(({ getMs }) => getMs)) },
    {
      what: `kill -9 → GET and list of 500, ${n} pods`,
      value: median(all(({ listMs }) => listMs)),
      unit: "ms",
      note: `${spread(all(({ listMs }) => listMs))}, ${cpu}`,
      target: TARGETS.recovery,
    },
  ];
});

async function recover(server: ServerProcess, objects: number) {
  const begin = performance.now();
  server.start();
  const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
  const ask = async (asked: string) => {
    try {
      const { status, body } = await server.transport.request({ path: asked });
      return status === 200 ? body : undefined;
    } catch {
      return undefined; // it does not listen yet
    }
  };
  await eventually("a GET is answered", 120_000, () => ask(`${path}/pod-${objects - 1}`), 2);
  const getMs = performance.now() - begin;
  const list = await eventually("a list is answered", 120_000, () => ask(`${path}?limit=500`));
  const listMs = performance.now() - begin;
  const { items, metadata } = JSON.parse(list.toString()) as { items: unknown[]; metadata: { remainingItemCount?: number } };
  if (items.length + (metadata.remainingItemCount ?? 0) !== objects)
    throw new Error(`${items.length} and ${metadata.remainingItemCount} of ${objects} are there`);
  const { cpuMs, rssMb } = usageOf(server.pid!);
  return { getMs, listMs, cpuMs, rssMb };
}

async function fill(server: ServerProcess, objects: number): Promise<void> {
  let next = 0;
  const write = async () => {
    for (let i = next++; i < objects; i = next++) await server.transport.perform({ verb: "create", resource: PODS, namespace: NAMESPACE, body: pod(i) });
  };
  await Promise.all(Array.from({ length: CLIENTS }, write));
}

/** About 1.5 KB as it is stored; for a scheduler that is not there. */
function pod(i: number): object {
  const env = Array.from({ length: 6 }, (_, index) => ({ name: `SETTING_${index}`, value: `value ${index} of pod ${i}` }));
  const resources = { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } };
  const container = { name: "web", image: "registry.local/app/web:1.2.3", ports: [{ containerPort: 80 }], env, resources };
  const metadata = { name: `pod-${i}`, labels: { app: `app-${i % 500}`, tier: "web" }, annotations: { note: "a pod of ordinary size" } };
  return { metadata, spec: { schedulerName: "nobody", automountServiceAccountToken: false, containers: [container] } };
}

function megabytes(path: string): string {
  return `${(statSync(path).size / 1e6).toFixed(1)} MB`;
}
