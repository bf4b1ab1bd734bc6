/**
 * The API server over TLS, without controllers, on the durable store, asked by 64 clients from the same machine: creates,
 * gets, lists of 10,000, watch deliveries. Beside them the same client on Node's bare HTTP/2 server. Last, what memory another
 * server keeps after all of that, with 20,000 pods in it.
 *
 *     node bench/api.ts [--rounds 5] [--seconds 4] [--settle 30] [--load-client DIR] [--json]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isServerReady } from "#cli/readiness.ts";
import { atEnd, benchmark, numberOption, progress } from "./support/benchmark.ts";
import { BenchCluster } from "./support/cluster.ts";
import { eventually, stopProgram } from "./support/command.ts";
import { type LoadClient, loadClient, type LoadResult, type Rate } from "./support/load.ts";
import { type Usage, usageOf } from "./support/processes.ts";
import type { Row } from "./support/row.ts";
import { median, spread } from "./support/statistics.ts";
import { TARGETS, type Target } from "./support/targets.ts";

const LISTED = 10_000;
/** With which the server's memory is measured. */
const KEPT_PODS = 20_000;
const KEPT_ROUNDS = 4;
const WATCHERS = 1000;
/** What we aim at; more would only measure how a backlog grows. */
const WATCH_RATE = TARGETS.deliveries.aim / WATCHERS;

await benchmark(async () => {
  const cluster = await BenchCluster.prepare();
  const rounds = numberOption("rounds", 5);
  const seconds = numberOption("seconds", 4);
  const server = await startServer(cluster);
  const client = await loadClient(cluster.folder);
  const ask = askWith(client, cluster, seconds);
  progress(`asks with the ${client.name}`);
  const inRounds = async (phases: readonly string[], name: string, more: AskMore = {}) => {
    const results: LoadResult[] = [];
    for (let round = 1; round <= rounds; round++) results.push(await ask(cluster.httpsPort, phases, `${name}-${round}`, more));
    return results;
  };
  const load = await inRounds(["create", "get"], "load");
  const watch = await inRounds(["watch"], "watch", { rate: WATCH_RATE });
  const creates = middle(load.map(({ create }) => create));
  const lists = await timeLists(cluster, ask, creates.perSecond);
  const bare = await askBareServer(cluster, ask, lists);
  await server.stop();
  return [
    rateRow("durable pod creates, 64 clients over TLS", creates, bare.create, TARGETS.creates),
    rateRow("GET of one pod over TLS", middle(load.map(({ get }) => get)), bare.get, TARGETS.gets),
    listRow(lists, bare),
    watchRow(watch.flatMap((result) => result.watch ?? [])),
    await measureMemory(client, seconds, creates.perSecond, lists),
  ];
});

interface AskMore {
  readonly rate?: number;
  readonly seconds?: number;
}

type Ask = (port: number, phases: readonly string[], namespace: string, more?: AskMore) => Promise<LoadResult>;

function askWith(client: LoadClient, { paths }: BenchCluster, seconds: number): Ask {
  const { admin, adminKey } = paths.serverTls;
  return async (port, phases, namespace, more = {}) => {
    const result = await client.run({ server: `https://127.0.0.1:${port}`, cert: admin, key: adminKey, phases, namespace, seconds, ...more });
    for (const name of ["create", "get"] as const) {
      const rate = result[name];
      if (rate !== undefined) progress(`${namespace}: ${name} ${rate.perSecond.toFixed(0)}/s, p50 ${rate.p50} ms, p99 ${rate.p99} ms, ${rate.failed} failed`);
    }
    return result;
  };
}

async function startServer(cluster: BenchCluster): Promise<{ readonly pid: number; stop(): Promise<void> }> {
  const server = cluster.start("server", "--without-controllers", "true", "--log-level", "warn");
  atEnd(() => stopProgram(server));
  await eventually("certificates", 60_000, () => cluster.hasCertificates() || undefined);
  const api = cluster.caller();
  await eventually("the API answers", 60_000, async () => (await isServerReady(api)) || undefined);
  api.close();
  if (server.pid === undefined) throw new Error("the server did not start");
  return { pid: server.pid, stop: () => stopProgram(server) };
}

interface Lists {
  /** Of 10,000. */
  readonly ms: number;
  readonly megabytes: number;
  /** What a list's time is multiplied by to be that of 10,000. */
  readonly scale: number;
  readonly list: Buffer;
  readonly object: Buffer;
}

/** As near to 10,000 as creating for a time comes; the time is scaled by what it came to. */
async function timeLists(cluster: BenchCluster, ask: Ask, createsPerSecond: number): Promise<Lists> {
  const { lists } = await ask(cluster.httpsPort, ["create", "list"], "list", { seconds: Math.max(0.5, LISTED / createsPerSecond) });
  const [first] = lists;
  if (first === undefined) throw new Error("no list was answered");
  const scale = LISTED / first.items;
  progress(`lists of ${first.items}: ${lists.map(({ ms }) => ms).join(", ")} ms`);
  const transport = cluster.transport();
  const read = async (path: string) => (await transport.request({ path })).body;
  const pods = "/api/v1/namespaces/list/pods";
  const [list, object] = [await read(pods), await read(`${pods}/p-1`)];
  return { ms: median(lists.map(({ ms }) => ms)) * scale, megabytes: first.megabytes * scale, scale, list, object };
}

/** After creates, gets, watches and lists that leave 20,000 pods; every connection is closed, and some time has gone by. */
async function measureMemory(client: LoadClient, seconds: number, createsPerSecond: number, { megabytes }: Lists): Promise<Row> {
  const cluster = await BenchCluster.prepare();
  const server = await startServer(cluster);
  const { pid } = server;
  const ask = askWith(client, cluster, seconds);
  const idle = usageOf(pid);
  const create = (phases: readonly string[], name: string, pods: number) =>
    ask(cluster.httpsPort, phases, name, { seconds: Math.max(0.5, pods / createsPerSecond) });
  await create(["create", "get"], "memory-load", KEPT_PODS / 2);
  await ask(cluster.httpsPort, ["watch"], "memory-watch", { rate: WATCH_RATE });
  let pods = await countPods(cluster);
  for (let round = 1; pods < KEPT_PODS * 0.99 && round <= KEPT_ROUNDS; round++) {
    await create(["create", "list"], `memory-list-${round}`, KEPT_PODS - pods);
    pods = await countPods(cluster);
  }
  const full = usageOf(pid);
  const settleSeconds = numberOption("settle", 30);
  progress(`waits ${settleSeconds} s`);
  await pause(settleSeconds * 1000);
  const settled = usageOf(pid);
  await server.stop();
  const mb = ({ rssMb }: Usage) => rssMb.toFixed(0);
  return {
    what: `server with ${KEPT_PODS.toLocaleString("en-US")} pods after the load: RSS`,
    value: settled.rssMb,
    unit: "MB",
    note: `${pods.toLocaleString("en-US")} pods, PSS ${settled.pssMb.toFixed(0)} MB; ${mb(idle)} MB at the start, ${mb(full)} MB as the load ended`,
    floor: { name: "their JSON", value: (megabytes * pods) / LISTED },
    target: TARGETS.loadedMemory,
  };
}

async function countPods(cluster: BenchCluster): Promise<number> {
  const transport = cluster.transport();
  const { body } = await transport.request({ path: "/api/v1/pods?limit=1" });
  transport.close();
  return 1 + ((JSON.parse(body.toString()) as { metadata: { remainingItemCount?: number } }).metadata.remainingItemCount ?? 0);
}

/** The same questions to a server that has the answers ready, and writes nothing. */
async function askBareServer({ paths, folder }: BenchCluster, ask: Ask, { list, object }: Lists): Promise<LoadResult> {
  const files = { object: join(folder, "object.json"), list: join(folder, "list.json") };
  writeFileSync(files.object, object);
  writeFileSync(files.list, list);
  const { serving, servingKey, ca } = paths.serverTls;
  const words = [join(import.meta.dirname, "support/bare-server.ts"), serving, servingKey, ca, files.object, files.list];
  const server = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  atEnd(() => stopProgram(server));
  const [port] = (await once(server.stdout, "data")) as [Buffer];
  const result = await ask(Number(port), ["create", "get", "list"], "bare");
  await stopProgram(server);
  return result;
}

/** Medians of the rounds; what failed in any counts. */
function middle(rounds: readonly (Rate | undefined)[]): Rounds {
  const rates = rounds.filter((rate) => rate !== undefined);
  if (rates.length === 0) throw new Error("the load program has said nothing");
  const of = (pick: (rate: Rate) => number) => Math.round(10 * median(rates.map(pick))) / 10;
  const failed = rates.reduce((sum, rate) => sum + rate.failed, 0);
  return {
    perSecond: of((rate) => rate.perSecond),
    p50: of((rate) => rate.p50),
    p99: of((rate) => rate.p99),
    failed,
    runs: spread(rates.map((rate) => rate.perSecond)),
  };
}

interface Rounds extends Rate {
  readonly runs: string;
}

function rateRow(what: string, { perSecond, p50, p99, failed, runs }: Rounds, bare: Rate | undefined, target: Target): Row {
  const note = `${runs}; p50 ${p50} ms, p99 ${p99} ms${failed > 0 ? `, ${failed} failed` : ""}`;
  return { what, value: perSecond, unit: "/s", note, ...(bare !== undefined && { floor: { name: "bare HTTP/2 server", value: bare.perSecond } }), target };
}

function listRow({ ms, megabytes, scale }: Lists, bare: LoadResult): Row {
  const value = median(bare.lists.map((list) => list.ms)) * scale;
  const what = `list of ${LISTED.toLocaleString("en-US")} pods`;
  return { what, value: ms, unit: "ms", note: `${megabytes.toFixed(1)} MB`, floor: { name: "bare HTTP/2 server", value }, target: TARGETS.list };
}

function watchRow(rounds: readonly NonNullable<LoadResult["watch"]>[]): Row {
  const { perSecond, p50, p99, runs } = middle(rounds);
  const sum = (pick: (round: (typeof rounds)[number]) => number) => rounds.reduce((total, round) => total + pick(round), 0);
  const [offered, delivered] = [sum((round) => round.offered), sum((round) => round.delivered)];
  const lost = delivered < offered ? `, ${offered - delivered} of ${offered} not delivered` : "";
  const note = `${runs}; p50 ${p50} ms, p99 ${p99} ms${lost}`;
  return { what: "watch deliveries, 1,000 watchers", value: perSecond, unit: "/s", note, target: TARGETS.deliveries };
}
