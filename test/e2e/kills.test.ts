import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { CONFIG_MAPS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { clusterProcesses, isAlive, type Role } from "#cli/processes.ts";
import { pathsOf } from "#cli/paths.ts";
import { Client } from "#client/client.ts";
import { HttpTransport } from "#client/http-transport.ts";
import { systemClock } from "#lib/system-clock.ts";

import { startTestCluster, type TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { request, startSteadyClient } from "./support/steady-client.ts";

const NODE_PORT = 24_002;
const PAGE = `http://127.0.0.1:${NODE_PORT}/`;
const REPLICAS = 2;
const HEALED_MS = 60_000;

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster();
  await cluster.kubectlText("create", "deployment", "web", "--image=nginx:1.7.9", `--replicas=${REPLICAS}`);
  await cluster.kubectlText("create", "service", "nodeport", "web", "--tcp=80:80", `--node-port=${NODE_PORT}`);
  await cluster.kubectlText("wait", "--for=condition=Available", "deployment/web", "--timeout=60s");
});
after(() => cluster.destroy());

const pods = async () => (JSON.parse(await cluster.kubectlText("get", "pods", "-l", "app=web", "-o", "json")) as { items: Pod[] }).items;
const runsOf = (items: readonly Pod[]) =>
  items.map(({ metadata, status }) => [
    metadata.name,
    status?.podIP,
    status?.containerStatuses?.map(({ containerID, restartCount }) => [containerID, restartCount]),
  ]);

const processesOf = (roles: readonly Role[]) => clusterProcesses(cluster.dataDir).filter(({ role }) => roles.includes(role));

function assertAllRun(roles: readonly Role[]): void {
  assert.deepEqual([...new Set(processesOf(roles).map(({ role }) => role))].sort(), [...roles].sort());
}

/** Kills all processes of these roles at once, as far as a signal each can; they are gone when it resolves. */
async function killAll(...roles: readonly Role[]): Promise<void> {
  assertAllRun(roles);
  const victims = processesOf(roles);
  for (const { pid } of victims) process.kill(pid, "SIGKILL");
  await eventually(() => assert.ok(!victims.some(isAlive)));
}

/** Creates one object after the other; what it was told is created must be there for ever. */
function startWriter(prefix: string): { stop(): Promise<readonly string[]> } {
  const { ca, admin, adminKey } = pathsOf(cluster.dataDir).serverTls;
  const read = (file: string) => readFileSync(file, "utf8");
  const transport = new HttpTransport({
    server: `https://127.0.0.1:${cluster.httpsPort}`,
    ca: read(ca),
    cert: read(admin),
    key: read(adminKey),
    clock: systemClock,
    requestTimeoutMs: 5000,
  });
  const client = new Client(transport, "writer");
  const acknowledged: string[] = [];
  let isStopped = false;
  const write = async () => {
    for (let i = 0; !isStopped; i++) {
      const name = `${prefix}-${i}`;
      await client.create(CONFIG_MAPS, { metadata: { namespace: "default", name }, data: { i: String(i) } }).then(
        () => acknowledged.push(name),
        () => undefined, // nothing is promised of it
      );
    }
  };
  const writing = write();
  return {
    stop: async () => {
      isStopped = true;
      await writing;
      transport.close();
      return acknowledged;
    },
  };
}

/** All is as before, or better: the node is Ready, all pods are, and nothing that was acknowledged is missing. */
async function healed(acknowledged: readonly string[]): Promise<readonly Pod[]> {
  await eventually(async () => assert.match(await cluster.kubectlText("get", "nodes", "--no-headers"), /^\S+\s+Ready\s/), HEALED_MS);
  const names = new Set((await cluster.kubectlText("get", "configmaps", "-o", "name")).split("\n"));
  assert.ok(acknowledged.length > 0);
  assert.deepEqual(
    acknowledged.filter((name) => !names.has(`configmap/${name}`)),
    [],
  );
  return eventually(async () => {
    const items = await pods();
    assert.deepEqual(
      items.map(({ status }) => status?.containerStatuses?.[0]?.ready),
      Array<boolean>(REPLICAS).fill(true),
    );
    return items;
  }, HEALED_MS);
}

for (const { roles, up } of [
  { roles: ["server"], up: false },
  { roles: ["agent"], up: false },
  { roles: ["containerd"], up: false },
  { roles: ["server", "agent", "containerd"], up: false },
  { roles: ["supervisor", "server"], up: true },
  { roles: ["supervisor", "server", "agent", "containerd"], up: true },
] as const) {
  test(`row 23: kill -9 of ${roles.join(", ")} loses nothing; pods run on, are adopted as they are, and answer all the while`, async () => {
    const before = await pods();
    const reader = startSteadyClient(PAGE);
    const acknowledged = await during(startWriter(`kill-${roles.join("-")}`), () =>
      during(reader, async () => {
        await killAll(...roles);
        if (up) assert.equal((await cluster.skiff("up", "--quiet")).code, 0);
        await eventually(() => assertAllRun(roles), HEALED_MS);
        await eventually(async () => assert.equal((await cluster.skiff("status")).code, 0), HEALED_MS);
      }),
    );
    const { answers, failures } = await reader.stop();
    assert.deepEqual(runsOf(await healed(acknowledged)), runsOf(before));
    assert.deepEqual(failures, {});
    assert.ok(answers > 0);
  });
}

/** What this client says when `act` has ended, and that it does end. */
async function during<T>(client: { stop(): Promise<T> }, act: () => Promise<unknown>): Promise<T> {
  try {
    await act();
  } finally {
    await client.stop();
  }
  return client.stop();
}

test("row 23: kill -9 of all there is, shims too, loses nothing; up brings the pods back", async () => {
  const before = await pods();
  const acknowledged = await during(startWriter("kill-all"), async () => {
    await killAll("supervisor", "server", "agent", "containerd", "shim");
    assert.equal((await cluster.skiff("up", "--quiet")).code, 0);
  });
  await healed(acknowledged);
  // Until the agent has looked, what the API says of the pods is from before.
  await eventually(async () => {
    assert.deepEqual(
      (await pods()).map(({ metadata, status }) => {
        const container = status?.containerStatuses?.[0];
        return [metadata.name, container?.restartCount, container?.ready];
      }),
      before.map(({ metadata }) => [metadata.name, 1, true]),
    );
  }, HEALED_MS);
  await eventually(() => request(PAGE));
  const { answers, failures } = await during(startSteadyClient(PAGE), async () => {
    await cluster.kubectlText("rollout", "restart", "deployment/web");
    await cluster.kubectlText("rollout", "status", "deployment/web", "--timeout=60s");
  });
  assert.deepEqual([failures, answers > 0], [{}, true]);
});
