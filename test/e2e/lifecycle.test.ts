import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { pathsOf } from "#cli/paths.ts";
import { clusterProcesses } from "#cli/processes.ts";
import { startTestCluster, type TestCluster } from "./support/cluster.ts";
import { processesOfPod } from "./support/processes-of-pod.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster();
});
after(() => cluster.destroy());

const printed = (file: string, ...words: string[]) => execFileSync(file, words, { encoding: "utf8" });

/** A pod without a probe is Ready when its program runs, which may be before it listens. */
async function pageOf(address: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await fetch(`http://${address}/`).catch(() => undefined);
    if (answer !== undefined) return answer.text();
    await pause(20);
  }
  throw new Error(`${address}:80 does not answer`);
}

test("up gives a node that is Ready, and a second up changes nothing", async () => {
  assert.match(await cluster.kubectlText("get", "nodes", "--no-headers"), /^\S+\s+Ready\s/);
  const pids = clusterProcesses(cluster.dataDir).map(({ pid }) => pid);
  assert.equal((await cluster.skiff("up", "--quiet")).code, 0);
  assert.deepEqual(
    clusterProcesses(cluster.dataDir).map(({ pid }) => pid),
    pids,
  );
});

test("status tells programs what runs", async () => {
  const { code, stdout } = await cluster.skiff("status", "-o", "json");
  const status = JSON.parse(stdout) as { state: string; server: { ready: boolean }; nodes: { ready: boolean }[] };
  assert.deepEqual([code, status.state, status.server.ready, status.nodes.map(({ ready }) => ready)], [0, "running", true, [true]]);
});

test("a deployment pulls from the registry and becomes available", async () => {
  await cluster.kubectlText("create", "deployment", "web", "--image=nginx:1.7.9");
  await cluster.kubectlText("wait", "--for=condition=Available", "deployment/web", "--timeout=60s");
  const address = await cluster.kubectlText("get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].status.podIP}");
  assert.match(await pageOf(address), /release 1\.7\.9/);
});

test("restart leaves containers running", async () => {
  const [uid = ""] = (await cluster.kubectlText("get", "pod", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.uid}")).split(" ");
  const seen = async () => ({
    told: await cluster.kubectlText("get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].status.containerStatuses[0].containerID}"),
    processes: processesOfPod(uid, "nginx"),
  });
  const before = await seen();
  assert.ok(before.processes.length > 0);
  assert.equal((await cluster.skiff("restart", "--quiet")).code, 0);
  assert.deepEqual(await seen(), before);
});

test("down stops everything and keeps the state; up brings the pods back", async () => {
  assert.equal((await cluster.skiff("down", "--quiet")).code, 0);
  assert.deepEqual(clusterProcesses(cluster.dataDir), []);
  assert.equal((await cluster.skiff("status")).code, 3);
  assert.equal((await cluster.skiff("up", "--quiet")).code, 0);
  await cluster.kubectlText("wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=60s");
});

test("down --purge leaves nothing on the machine", async () => {
  const { instance, cgroupRoot } = pathsOf(cluster.dataDir);
  const stray = startStray(cgroupRoot);
  await cluster.purge();
  assert.equal((await stray).signal, "SIGKILL");
  assert.deepEqual(clusterProcesses(cluster.dataDir), []);
  assert.ok(!existsSync(cluster.dataDir));
  assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(cluster.dataDir));
  assert.doesNotMatch(printed("ip", "address", "show"), new RegExp(`${instance}|${cluster.clusterDns}/`));
  assert.doesNotMatch(printed("nft", "list", "tables"), new RegExp(instance));
  assert.equal(printed("find", "/sys/fs/cgroup", "-maxdepth", "2", "-name", cgroupRoot.slice(1)), "");
  assert.ok(!existsSync(cluster.kubeconfig));
});

/** A process in a pod's cgroup that no shim knows of, as a start that was cut off leaves it; resolves when it has ended. */
function startStray(cgroupRoot: string): Promise<{ signal: string | null }> {
  const hierarchy = existsSync("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
  const folder = join(hierarchy, cgroupRoot, "stray");
  mkdirSync(folder, { recursive: true });
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  writeFileSync(join(folder, "cgroup.procs"), String(child.pid));
  return new Promise((resolve) => child.once("exit", (_code, signal) => resolve({ signal })));
}
