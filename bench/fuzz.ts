/**
 * A server, controllers and all, under requests that are wrong: malformed, of any kind and any field, by broken frames; beside
 * them idle connections, bodies that come slowly, watches that nobody reads. Ends with 1 when an answer is no clean Status, when a decent
 * request waits too long, or when memory does not come back.
 *
 *     node bench/fuzz.ts [--requests 100000] [--seed 1] [--connections 2000] [--json]
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { isServerReady } from "#cli/readiness.ts";
import { type Rng, seededRng } from "#lib/rng.ts";
import { OBJECTS } from "#test/contract/mutations.ts";
import { RoughClient } from "#test/contract/rough-client.ts";
import { storm } from "#test/contract/storm.ts";
import { atEnd, benchmark, numberOption, progress } from "./support/benchmark.ts";
import { BenchCluster } from "./support/cluster.ts";
import { eventually, stopProgram } from "./support/command.ts";
import { usageOf } from "./support/processes.ts";
import type { Row } from "./support/row.ts";

const STALL_MS = 1000;
const GROWTH_MB = 64;
const PROBE_EVERY_MS = 50;
/** So long after the last connections are gone memory is looked at: V8 gives the last of what is needed no more after two minutes of quiet. */
const SETTLE_MS = 130_000;
const ROUND = 5_000;

async function measure(): Promise<readonly Row[]> {
  const requests = numberOption("requests", 100_000);
  const rng = seededRng(numberOption("seed", 1));
  const { pid, client } = await startServer();
  await sendAll(client, rng, Math.min(requests, 2 * ROUND)); // caches fill
  await pause(SETTLE_MS);
  const beforeMb = usageOf(pid).rssMb;
  const probe = new Probe(client);
  const crowd = await gather(client, numberOption("connections", 2000));
  progress(`${crowd.length} connections that say little`);
  await sendAll(client, rng, requests);
  const worstMs = await probe.stop();
  for (const socket of crowd) socket.destroy();
  await pause(SETTLE_MS);
  const { rssMb } = usageOf(pid);
  if (worstMs > STALL_MS || rssMb - beforeMb > GROWTH_MB) process.exitCode = 1;
  return [
    { what: `longest stall under ${requests.toLocaleString("en-US")} fuzzed requests`, value: worstMs, unit: "ms", target: { must: STALL_MS, aim: 100 } },
    {
      what: "what the server's RSS grew by meanwhile",
      value: rssMb - beforeMb,
      unit: "MB",
      note: `${beforeMb.toFixed(0)} before`,
      target: { must: GROWTH_MB, aim: 0 },
    },
  ];
}

async function startServer(): Promise<{ readonly pid: number; readonly client: RoughClient }> {
  const cluster = await BenchCluster.prepare();
  const server = cluster.start("server", "--log-level", "error");
  server.once("exit", (code, signal) => progress(`the server has ended: ${code ?? signal}`));
  atEnd(() => stopProgram(server));
  await eventually("certificates", 60_000, () => cluster.hasCertificates() || undefined);
  const api = cluster.caller();
  await eventually("the API answers", 60_000, async () => (await isServerReady(api)) || undefined);
  api.close();
  const { ca, admin, adminKey } = cluster.paths.serverTls;
  const read = (file: string) => readFileSync(file, "utf8");
  const client = new RoughClient({ url: `https://127.0.0.1:${cluster.httpsPort}`, ca: read(ca), admin: { cert: read(admin), key: read(adminKey) } });
  atEnd(() => client.close());
  if (server.pid === undefined) throw new Error("the server did not start");
  return { pid: server.pid, client };
}

/** @throws {Error} with the first faults, when there are any */
async function sendAll(client: RoughClient, rng: Rng, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += ROUND) {
    for (const each of OBJECTS) await client.http1(each); // some request may have deleted them
    const faults = await storm(client, rng, Math.min(ROUND, count - sent));
    if (faults.length > 0) throw new Error(`${faults.length} of ${ROUND} requests were answered badly:\n${faults.slice(0, 20).join("\n")}`);
    await breakFrames(client, rng);
    progress(`${Math.min(sent + ROUND, count)} requests`);
  }
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** Frames of any type, flags, stream and bytes, as long as the server listens to them. */
async function breakFrames(client: RoughClient, rng: Rng): Promise<void> {
  const byte = () => Math.floor(rng() * 256);
  for (let connection = 0; connection < 20; connection++) {
    const socket = await client.raw("h2");
    socket.write(Buffer.concat([PREFACE, EMPTY_SETTINGS]));
    for (let i = 0; i < 20; i++) {
      const length = Math.floor(rng() * 64);
      socket.write(Buffer.from([0, 0, length, rng() < 0.9 ? byte() % 10 : byte(), byte(), 0, 0, 0, byte() % 8, ...Array.from({ length }, byte)]));
    }
    socket.end();
    socket.resume();
  }
}

const WATCH = "GET /api/v1/namespaces/default/configmaps?watch=1&resourceVersion=0 HTTP/1.1\r\nHost: a\r\n\r\n";
const SLOW_POST = 'POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"kind":';

/** Most do nothing at all; every twentieth watches and never reads, every twentieth begins a body. */
async function gather(client: RoughClient, count: number): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = [];
  while (sockets.length < count) {
    const batch = await Promise.all(Array.from({ length: Math.min(50, count - sockets.length) }, () => client.raw("http/1.1")));
    for (const [i, socket] of batch.entries()) {
      socket.pause();
      if (i % 20 === 1) socket.write(WATCH);
      if (i % 20 === 2) socket.write(SLOW_POST);
    }
    sockets.push(...batch);
  }
  return sockets;
}

/** Asks for one small thing again and again, as a decent client would notice a stall. */
class Probe {
  #stopped = false;
  readonly #done: Promise<number>;

  constructor(client: RoughClient) {
    this.#done = this.#run(client);
    this.#done.catch(() => undefined); // stop() tells; until then a failure is nobody's
  }

  /** @returns the longest that an answer took, in milliseconds */
  stop(): Promise<number> {
    this.#stopped = true;
    return this.#done;
  }

  async #run(client: RoughClient): Promise<number> {
    let worst = 0;
    while (!this.#stopped) {
      const { ms, code } = await client.http2({ method: "GET", path: "/api/v1/namespaces/default" });
      if (code !== 200) throw new Error(`a decent request was answered with ${code}`);
      worst = Math.max(worst, ms);
      await pause(PROBE_EVERY_MS);
    }
    return worst;
  }
}

await benchmark(measure);
