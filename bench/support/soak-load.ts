import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, SECRETS, SERVICES } from "#api/builtin.ts";
import type { Deployment } from "#api/apps-v1/types.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import { kubectlPath } from "#test/e2e/support/kubectl.ts";
import { IMAGE } from "./cluster.ts";
import { eventually, stopProgram } from "./command.ts";

const NAMESPACE = "default";
const WAIT_MS = 120_000;
const POLL_MS = 200;
/** Ends at once when it is told to; serves a page, and talks. */
const SERVE = ["/bin/sh", "-c", "trap 'exit 0' TERM; /bin/busybox httpd -p 80 -h /etc; while true; do date; sleep 1 & wait $!; done"];

export interface Load {
  readonly client: Client;
  readonly kubeconfig: string;
  /** Counts what was done, and what went wrong. */
  readonly done: (what: string, failed?: boolean) => void;
  readonly isOver: () => boolean;
}

/** What users do to a cluster, each by itself, again and again until it is over; they resolve then. */
export async function keepBusy(load: Load): Promise<void> {
  await createDeployment(load.client, "web", 3);
  await createDeployment(load.client, "scaled", 1);
  await createDeployment(load.client, "crashing", 1, ["/bin/sh", "-c", "echo about to fail; sleep 2; exit 3"]);
  const jobs = [rollOut, scale, visit, streams, services, crash];
  await Promise.all(jobs.map((job) => repeat(load, job.name, () => job(load))));
}

/** Removes all that `keepBusy()` made, and waits until the pods are gone. */
export async function clearAway({ client }: Pick<Load, "client">): Promise<void> {
  for (const resource of [DEPLOYMENTS, SERVICES, CONFIG_MAPS, SECRETS, PODS] as const) {
    const { items } = await client.list(resource, { namespace: NAMESPACE });
    const kept = new Set(["kubernetes", "kube-root-ca.crt"]);
    await Promise.all(items.filter(({ metadata }) => !kept.has(metadata.name)).map(({ metadata }) => gone(client.delete(resource, metadata))));
  }
  for (const { metadata } of (await client.list(NAMESPACES)).items) if (metadata.name.startsWith("visit-")) await gone(client.delete(NAMESPACES, metadata));
  await eventually("all pods are gone", WAIT_MS, async () => (await client.list(PODS)).items.length === 0 || undefined, POLL_MS);
  await eventually(
    "namespaces are gone",
    WAIT_MS,
    async () => (await client.list(NAMESPACES)).items.every(({ metadata }) => !metadata.name.startsWith("visit-")) || undefined,
    POLL_MS,
  );
}

/** A failure is counted, and tried again: server and agent are restarted meanwhile. */
async function repeat({ isOver, done }: Load, name: string, job: () => Promise<void>): Promise<void> {
  while (!isOver()) {
    const failed = await job().then(
      () => false,
      () => true,
    );
    done(name, failed);
    if (failed) await pause(1000);
  }
}

async function rollOut({ client }: Load): Promise<void> {
  const template = { metadata: { annotations: { "example.test/at": String(performance.now()) } } };
  await client.patch(DEPLOYMENTS, { namespace: NAMESPACE, name: "web" }, "merge", { spec: { template } });
  await untilRolledOut(client, "web");
  await pause(3000);
}

async function scale({ client }: Load): Promise<void> {
  for (const replicas of [5, 0, 2]) {
    await client.patch(DEPLOYMENTS, { namespace: NAMESPACE, name: "scaled" }, "merge", { spec: { replicas } });
    await untilRolledOut(client, "scaled");
    await pause(1000);
  }
}

let visits = 0;

/** A namespace with all kinds of volumes in a pod, which runs to its end. */
async function visit({ client }: Load): Promise<void> {
  const name = `visit-${++visits}`;
  await client.create(NAMESPACES, { metadata: { name } });
  await client.create(CONFIG_MAPS, { metadata: { namespace: name, name: "words" }, data: { greeting: "hello" } });
  await client.create(SECRETS, { metadata: { namespace: name, name: "hidden" }, stringData: { password: "x" } } as never);
  const volumes = [
    { name: "words", configMap: { name: "words" } },
    { name: "hidden", secret: { secretName: "hidden" } },
    { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    { name: "disk", emptyDir: {} },
  ];
  const volumeMounts = volumes.map((volume) => ({ name: volume.name, mountPath: `/${volume.name}` }));
  const command = ["/bin/sh", "-c", "cp /words/greeting /memory/ && cat /hidden/password > /disk/p && exit 0"];
  const spec = { restartPolicy: "Never", containers: [{ name: "main", image: IMAGE, command, volumeMounts }], volumes };
  await eventually(
    "the service account",
    WAIT_MS,
    () => client.create(PODS, { metadata: { namespace: name, name: "guest" }, spec } as never).catch(() => undefined),
    POLL_MS,
  );
  await eventually(
    "the guest is done",
    WAIT_MS,
    async () => (await client.get(PODS, { namespace: name, name: "guest" })).status.phase === "Succeeded" || undefined,
    POLL_MS,
  );
  await client.delete(NAMESPACES, { name });
  await eventually("the namespace is gone", WAIT_MS, () => absent(client.get(NAMESPACES, { name })), POLL_MS);
}

/** A command in a pod, a log that is followed and cut off, a port that is forwarded. */
async function streams({ client, kubeconfig }: Load): Promise<void> {
  const pod = await somePod(client);
  const kubectl = (...words: string[]) => spawn(kubectlPath(), ["--kubeconfig", kubeconfig, ...words], { stdio: ["ignore", "pipe", "ignore"] });
  const exec = kubectl("exec", pod, "--", "/bin/cat", "/etc/hostname");
  let text = "";
  exec.stdout.setEncoding("utf8").on("data", (chunk: string) => void (text += chunk));
  const [code] = (await once(exec, "close")) as [number | null];
  if (code !== 0 || text.trim() !== pod) throw new Error(`exec: ${code} ${text}`);
  const followers = [kubectl("logs", "-f", pod), kubectl("port-forward", pod, ":80")];
  for (const child of followers) child.stdout.resume();
  await pause(2500);
  await Promise.all(followers.map(stopProgram));
}

let serviceCount = 0;

async function services({ client }: Load): Promise<void> {
  const names = Array.from({ length: 5 }, () => `service-${++serviceCount}`);
  const spec = { type: "NodePort", selector: { app: "web" }, ports: [{ port: 80 }] };
  for (const name of names) await client.create(SERVICES, { metadata: { namespace: NAMESPACE, name }, spec } as never);
  await pause(2000);
  for (const name of names) await gone(client.delete(SERVICES, { namespace: NAMESPACE, name }));
}

/** The pod that fails by itself is made anew before its pauses become long; another one is killed. */
async function crash({ client, kubeconfig }: Load): Promise<void> {
  await pause(20_000);
  await client.deleteCollection(PODS, { namespace: NAMESPACE, labelSelector: "app=crashing" } as never);
  const pod = await somePod(client);
  const kill = spawn(kubectlPath(), ["--kubeconfig", kubeconfig, "exec", pod, "--", "/bin/sh", "-c", "kill -TERM 1"], { stdio: "ignore" });
  await once(kill, "close");
}

async function somePod(client: Client): Promise<string> {
  const { items } = await client.list(PODS, { namespace: NAMESPACE, labelSelector: "app=web" } as never);
  const running = items.filter(({ status, metadata }) => status.phase === "Running" && metadata.deletionTimestamp === undefined && isReady({ status }));
  const pod = running[Math.floor(Math.random() * running.length)];
  if (pod === undefined) throw new Error("no pod runs");
  return pod.metadata.name;
}

function isReady({ status }: Pick<Pod, "status">): boolean {
  return status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
}

async function createDeployment(client: Client, name: string, replicas: number, command: readonly string[] = SERVE): Promise<void> {
  const labels = { app: name };
  const readinessProbe = name === "web" ? { readinessProbe: { httpGet: { path: "/passwd", port: 80 }, periodSeconds: 1 } } : {};
  const livenessProbe = name === "scaled" ? { livenessProbe: { exec: { command: ["/bin/true"] }, periodSeconds: 2 } } : {};
  const containers = [{ name: "main", image: IMAGE, command, ...readinessProbe, ...livenessProbe }];
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 2, containers } };
  const deployment = { metadata: { namespace: NAMESPACE, name }, spec: { replicas, selector: { matchLabels: labels }, template } };
  await client.create(DEPLOYMENTS, deployment as never);
}

function untilRolledOut(client: Client, name: string): Promise<true> {
  return eventually(
    `${name} is rolled out`,
    WAIT_MS,
    async () => {
      const deployment = await client.get(DEPLOYMENTS, { namespace: NAMESPACE, name }).catch(() => undefined);
      return (deployment !== undefined && isRolledOut(deployment)) || undefined;
    },
    POLL_MS,
  );
}

function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, readyReplicas = 0 } = status ?? {};
  const wanted = spec.replicas ?? 1;
  return observedGeneration >= (metadata.generation ?? 0) && [replicas, updatedReplicas, readyReplicas].every((count) => count === wanted);
}

async function gone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isStatus(error, "NotFound")) throw error;
  }
}

async function absent(answer: Promise<unknown>): Promise<true | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (isStatus(error, "NotFound")) return true;
    throw error;
  }
}
