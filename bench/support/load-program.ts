/**
 * Load on an API server over HTTP/2 and TLS, with raw JSON: what takes the place of the Go program, with its flags and its
 * lines, where there is no Go. It takes more of the machine, so that figures come out lower.
 */
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { quantile } from "./statistics.ts";

const text = (fallback: string) => ({ type: "string", default: fallback }) as const;
const { values } = parseArgs({
  // Go's flags have one dash.
  args: process.argv.slice(2).map((word) => word.replace(/^-(?=[a-z])/, "--")),
  options: {
    server: text(""),
    cert: text(""),
    key: text(""),
    phases: text("create,get,list,watch"),
    duration: text("8s"),
    ns: text("load"),
    rate: text("100"),
  },
});
const { server, ns } = values;
const CLIENTS = 64;
const CONNECTIONS = 8;
const WATCHERS = 1000;
const DRAIN_MS = 500;
const durationMs = Number.parseFloat(values.duration) * 1000;
const credentials = { cert: readFileSync(values.cert), key: readFileSync(values.key), rejectUnauthorized: false };
const sessions = Array.from({ length: CONNECTIONS }, open);
const pods = `/api/v1/namespaces/${ns}/pods`;
let created = 0;

await makeNamespace(ns);
if (values.phases.includes("create"))
  await phase("create", (i) => ask(session(i), "POST", pods, pod(`p-${i}`)).then((ok) => (ok ? void created++ : undefined, ok)));
if (values.phases.includes("get")) await phase("get", (i) => ask(session(i), "GET", `${pods}/p-${1 + (i % Math.max(created, 1))}`));
if (values.phases.includes("list")) await lists();
if (values.phases.includes("watch")) await watches();
process.exit();

async function phase(name: string, work: (i: number) => Promise<boolean>): Promise<void> {
  const begin = performance.now();
  const times: number[] = [];
  let next = 0;
  let failed = 0;
  const client = async () => {
    while (performance.now() - begin < durationMs) {
      const start = performance.now();
      if (!(await work(++next))) failed++;
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const perSecond = ((times.length - failed) * 1000) / (performance.now() - begin);
  print(`${name.padEnd(8)} ${perSecond.toFixed(0)} /s  p50 ${ms(times, 0.5)} ms  p99 ${ms(times, 0.99)} ms  failed ${failed}`);
}

async function lists(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const begin = performance.now();
    let bytes = 0;
    await ask(session(0), "GET", pods, undefined, (chunk) => (bytes += chunk.length));
    print(`list     ${created} pods, ${(bytes / 1e6).toFixed(1)} MB, ${(performance.now() - begin).toFixed(0)} ms (200)`);
  }
}

async function watches(): Promise<void> {
  const space = `${ns}-w`;
  const configMaps = `/api/v1/namespaces/${space}/configmaps`;
  await makeNamespace(space);
  const own = Array.from({ length: 1 + WATCHERS / 100 }, open);
  let deliveries = 0;
  const delays: number[] = [];
  await Promise.all(
    Array.from({ length: WATCHERS }, (_, i) => {
      const stream = (own[i % own.length] as ClientHttp2Session).request({ ":path": `${configMaps}?watch=1` });
      stream.on("data", (chunk: Buffer) => {
        for (let at = chunk.indexOf('"sent":"'); at >= 0; at = chunk.indexOf('"sent":"', at + 8)) {
          deliveries++;
          if (i % 50 === 0) delays.push(Date.now() - Number(chunk.toString("latin1", at + 8, at + 21)));
        }
      });
      return new Promise((resolve) => stream.once("response", resolve));
    }),
  );
  const pad = "x".repeat(1000);
  const begin = performance.now();
  const total = Math.floor((Number(values.rate) * durationMs) / 1000);
  const writes: Promise<boolean>[] = [];
  for (let i = 0; i < total; ) {
    for (; i < total && (i * 1000) / Number(values.rate) <= performance.now() - begin; i++) {
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `c-${i}` }, data: { sent: `${Date.now()}000000`, pad } };
      writes.push(ask(session(i), "POST", configMaps, JSON.stringify(object)));
    }
    await pause(5);
  }
  await Promise.all(writes);
  for (let last = -1; last !== deliveries; await pause(DRAIN_MS)) last = deliveries;
  const seconds = (performance.now() - begin - DRAIN_MS) / 1000;
  const latency = `latency p50 ${ms(delays, 0.5)} ms p99 ${ms(delays, 0.99)} ms`;
  print(`watch    ${(deliveries / seconds).toFixed(0)} deliveries/s to ${WATCHERS} watchers, ${deliveries} of ${total * WATCHERS}, ${latency}`);
}

async function makeNamespace(name: string): Promise<void> {
  await ask(session(0), "POST", "/api/v1/namespaces", JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
  await ask(session(0), "POST", `/api/v1/namespaces/${name}/serviceaccounts`, JSON.stringify(account));
}

function ask(http2: ClientHttp2Session, method: string, path: string, body?: string, onData: (chunk: Buffer) => void = () => {}): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { ":method": method, ":path": path, accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }) };
    const stream = http2.request(headers, { endStream: body === undefined });
    let status = 0;
    stream.once("response", (answer) => (status = answer[":status"] ?? 0));
    stream.on("data", onData);
    stream.once("end", () => resolve(status >= 200 && status < 300));
    stream.once("error", reject);
    if (body !== undefined) stream.end(body);
  });
}

function open(): ClientHttp2Session {
  return connect(server, { ...credentials, settings: { initialWindowSize: 4 << 20 } });
}

function session(i: number): ClientHttp2Session {
  return sessions[i % sessions.length] as ClientHttp2Session;
}

function ms(times: readonly number[], share: number): string {
  return (times.length === 0 ? 0 : quantile(times, share)).toFixed(1);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** As the Go program's. */
function pod(name: string): string {
  const env = [
    { name: "A", value: "1" },
    { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
  ];
  const resources = { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } };
  const readinessProbe = { httpGet: { path: "/", port: 80 }, periodSeconds: 5 };
  const container = { name: "c", image: "registry.local/app/web:1.2.3", ports: [{ containerPort: 80, protocol: "TCP" }], env, resources, readinessProbe };
  const metadata = { name, labels: { app: "load", tier: "web" }, annotations: { note: "a pod of ordinary size" } };
  const spec = { schedulerName: "nobody", automountServiceAccountToken: false, containers: [container] };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec });
}
