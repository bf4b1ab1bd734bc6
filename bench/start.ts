/**
 * `./skiff up` without any data, and again after `down`: until the API answers, the node is Ready, and an app of the
 * cluster answers a request that found it by its DNS name. Images are ours alone.
 *
 *     node bench/start.ts [--cold 3] [--warm 5] [--json]
 */
import { spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { PODS, SERVICES } from "#api/builtin.ts";
import type { Client } from "#client/client.ts";
import { isNodeReady, isServerReady } from "#cli/readiness.ts";
import { nodeAddress } from "#cli/node-address.ts";
import { CLUSTER_VARIABLE } from "#cli/processes.ts";
import { CriRuntime } from "#kubelet/cri/runtime.ts";
import { atEnd, benchmark, numberOption, progress } from "./support/benchmark.ts";
import { BenchCluster, bundleStamp, IMAGE } from "./support/cluster.ts";
import { command, eventually, stopProgram } from "./support/command.ts";
import type { Row } from "./support/row.ts";
import { median, spread } from "./support/statistics.ts";
import { TARGETS, type Target } from "./support/targets.ts";

const TIMEOUT_MS = 60_000;
/** Heartbeats have whole seconds: one of before must not look like one of now. */
const HEARTBEAT_MS = 1000;
const APP = "web.default.svc.cluster.local";
/** An attempt that met no rule for the address is lost; others follow soon. */
const ATTEMPT_MS = 250;
const ATTEMPT_EVERY_MS = 15;

interface Times {
  readonly api: number;
  readonly node: number;
  readonly app: number;
}

await benchmark(async () => {
  const cluster = await BenchCluster.prepare();
  await keepTrafficHere(cluster);
  // Builds the program if need be, and fills the compile cache.
  await cluster.up();
  await cluster.purge();
  const cold = await runs("cold", numberOption("cold", 3), async () => {
    await cluster.purge();
    return timeUp(cluster, async (client) => {
      await cluster.loadImage();
      await createApp(client);
    });
  });
  const containerd: number[] = [];
  const node: number[] = [];
  const warm = await runs("warm", numberOption("warm", 5), async () => {
    await cluster.down();
    containerd.push(await timeContainerd(cluster));
    node.push(await timeNode());
    await pause(HEARTBEAT_MS);
    return timeUp(cluster);
  });
  return [
    ...rows("cold", cold),
    ...rows("warm", warm, { api: { name: "an empty Node program", value: median(node) }, node: { name: "bare containerd", value: median(containerd) } }),
  ];
});

/** Requests for services that have no rule yet must not leave the machine. */
async function keepTrafficHere({ serviceCidr }: BenchCluster): Promise<void> {
  await command("ip", ["route", "replace", serviceCidr, "dev", "lo", "src", nodeAddress()]);
  atEnd(() => command("ip", ["route", "delete", serviceCidr, "dev", "lo"]));
}

/** A run in which the program was built anew counts for nothing, and is done again. */
async function runs(name: string, count: number, run: () => Promise<Times>): Promise<Times[]> {
  const all: Times[] = [];
  while (all.length < count) {
    const before = bundleStamp();
    const times = await run();
    const isClean = bundleStamp() === before;
    progress(
      `${name}: API ${times.api.toFixed(0)} ms, node ${times.node.toFixed(0)} ms, app ${times.app.toFixed(0)} ms${isClean ? "" : " (built anew: not counted)"}`,
    );
    if (isClean) all.push(times);
  }
  return all;
}

/** @param onReady what a new cluster needs before it has the app */
async function timeUp(cluster: BenchCluster, onReady: (client: Client) => Promise<void> = async () => {}): Promise<Times> {
  const sinceMs = Date.now();
  const begin = performance.now();
  const elapsed = () => performance.now() - begin;
  const up = cluster.up();
  up.catch(() => undefined);
  await eventually("certificates", TIMEOUT_MS, () => cluster.hasCertificates() || undefined);
  const api = cluster.caller();
  try {
    await eventually("the API answers", TIMEOUT_MS, async () => (await isServerReady(api)) || undefined);
    const apiMs = elapsed();
    await eventually("the node is Ready", TIMEOUT_MS, async () => (await isNodeReady(api, cluster.nodeName, sinceMs)) || undefined);
    const nodeMs = elapsed();
    await onReady(cluster.client());
    await appAnswers(cluster.clusterDns);
    return { api: apiMs, node: nodeMs, app: elapsed() };
  } finally {
    api.close();
    await up;
  }
}

async function createApp(client: Client): Promise<void> {
  const labels = { app: "web" };
  const containers = [{ name: "web", image: IMAGE, command: ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/etc"], ports: [{ containerPort: 80 }] }];
  const pod = { metadata: { namespace: "default", name: "web", labels }, spec: { terminationGracePeriodSeconds: 1, containers } };
  await eventually("the default service account", TIMEOUT_MS, () => client.create(PODS, pod as never).catch(() => undefined));
  await client.create(SERVICES, { metadata: { namespace: "default", name: "web" }, spec: { selector: labels, ports: [{ port: 80 }] } } as never);
}

/** Resolves with the first answer; attempts overlap, as one that came too early would wait for a second. */
async function appAnswers(dns: string): Promise<void> {
  const endMs = performance.now() + TIMEOUT_MS;
  let answered = false;
  const attempts: Promise<void>[] = [];
  while (!answered && performance.now() < endMs) {
    attempts.push(
      request(dns).then(
        () => void (answered = true),
        () => undefined,
      ),
    );
    await pause(ATTEMPT_EVERY_MS);
  }
  if (!answered) throw new Error(`${APP} does not answer`);
  await Promise.all(attempts);
}

async function request(dns: string): Promise<void> {
  const resolver = new Resolver({ timeout: ATTEMPT_MS, tries: 1 });
  resolver.setServers([dns]);
  const [address] = await resolver.resolve4(APP);
  const response = await fetch(`http://${address}/passwd`, { signal: AbortSignal.timeout(ATTEMPT_MS), headers: { connection: "close" } });
  if (!(await response.text()).startsWith("root:")) throw new Error(`${address} is not the app`);
}

/** The node cannot be Ready before its runtime: containerd alone, with the cluster's own configuration and state. */
async function timeContainerd({ dataDir, paths }: BenchCluster): Promise<number> {
  const runtime = new CriRuntime(paths.containerdSocket);
  const begin = performance.now();
  const env = { ...process.env, [CLUSTER_VARIABLE]: dataDir };
  const child = spawn("containerd", ["--config", join(dataDir, "agent/etc/containerd.toml")], { stdio: "ignore", env });
  try {
    await eventually("containerd answers", TIMEOUT_MS, () => runtime.version().catch(() => undefined));
    return performance.now() - begin;
  } finally {
    runtime.close();
    await stopProgram(child);
  }
}

async function timeNode(): Promise<number> {
  const begin = performance.now();
  await command(process.execPath, ["-e", "0"]);
  return performance.now() - begin;
}

interface Floors {
  readonly api?: { readonly name: string; readonly value: number };
  readonly node?: { readonly name: string; readonly value: number };
}

function rows(kind: "cold" | "warm", times: readonly Times[], floors: Floors = {}): Row[] {
  const targets: Partial<Record<keyof Times, Target>> = kind === "warm" ? { api: TARGETS.warmApi, node: TARGETS.warmNode, app: TARGETS.warmApp } : {};
  const parts = [
    ["api", "API answers"],
    ["node", "node Ready"],
    ["app", kind === "warm" ? "an app answers over DNS" : "an app answers over DNS, its image loaded"],
  ] as const;
  return parts.map(([part, text]) => {
    const values = times.map((each) => each[part]);
    const floor = part === "app" ? undefined : floors[part];
    const target = targets[part];
    return {
      what: `${kind} up: ${text}`,
      value: median(values),
      unit: "ms",
      note: spread(values),
      ...(floor !== undefined && { floor }),
      ...(target !== undefined && { target }),
    };
  });
}
