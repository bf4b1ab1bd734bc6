import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import type { Pod } from "#api/core-v1/types.ts";
import { shimsOf } from "#kubelet/leftovers/processes.ts";
import { runningPid } from "#kubelet/runtime/containerd.ts";
import { IMAGE, whyNoContainers } from "#test/integration/support/node-config.ts";

import { CrashCluster } from "./crash-cluster.ts";

/** With a child that outlives it where it does not have process ids of its own. */
const SCRIPT = "trap 'exit 0' TERM; sleep 1000 & wait";
const spec = (more: Record<string, unknown> = {}) => ({ containers: [{ name: "c", image: IMAGE, command: ["sh", "-c", SCRIPT] }], ...more });
const run = ({ status }: Pod) => status?.containerStatuses?.[0];
const isRunning = ({ status }: Pod) => status?.phase === "Running" && status.containerStatuses?.[0]?.state.running !== undefined;
const isRunningAgain = (before: Pod) => (pod: Pod) => isRunning(pod) && run(pod)?.containerID !== run(before)?.containerID;
const TIMEOUT_MS = 30_000;

describe("startKubelet() when what holds running pods is killed", { skip: whyNoContainers() ?? false }, () => {
  let cluster: CrashCluster;
  before(async () => {
    cluster = await CrashCluster.start();
  });
  after(() => cluster?.close());

  const processesOf = ({ metadata }: Pod) =>
    globSync(`/sys/fs/cgroup{,/*}${cluster.config.cgroupRoot}/{,besteffort/}pod${metadata.uid}{,/*}/cgroup.procs`).flatMap((file) =>
      readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number),
    );
  const killShims = () => {
    for (const { pid } of shimsOf(cluster.config.containerd.socket)) process.kill(pid, "SIGKILL");
  };
  const killContainerd = () => process.kill(runningPid(cluster.config.containerd) as number, "SIGKILL");
  const removeAll = async (...names: string[]) => {
    for (const name of names) await cluster.delete(name);
    for (const name of names) await cluster.untilGone(name);
    await cluster.untilClean();
  };

  test("shims: their pods end or start anew, and nothing of the old ones runs on", async () => {
    const pods = {
      always: spec(),
      never: spec({ restartPolicy: "Never" }),
      orphans: spec({ hostPID: true }),
      node: spec({ hostNetwork: true, hostPID: true }),
    };
    for (const [name, each] of Object.entries(pods)) await cluster.createPod(name, each);
    const before = await Promise.all(Object.keys(pods).map((name) => cluster.until(name, "running", isRunning)));
    const old = new Set(before.flatMap(processesOf));
    assert.ok(old.size >= 3 * before.length);
    killShims();
    for (const pod of before) {
      if (pod.metadata.name === "never") continue;
      const now = await cluster.until(pod.metadata.name, "running again", isRunningAgain(pod), TIMEOUT_MS);
      assert.equal(run(now)?.restartCount, 1);
    }
    const ended = await cluster.until("never", "failed", ({ status }) => status?.phase === "Failed", TIMEOUT_MS);
    assert.notEqual(run(ended)?.state.terminated, undefined);
    const alive = (await Promise.all(before.map(({ metadata }) => metadata.name).map((name) => cluster.until(name, "there", () => true)))).flatMap(processesOf);
    assert.deepEqual(
      alive.filter((pid) => old.has(pid)),
      [],
    );
    assert.equal(shimsOf(cluster.config.containerd.socket).length, before.length - 1);
    await removeAll(...Object.keys(pods));
  });

  test("agent and containerd: pods run on as they are, and what was deleted meanwhile goes", async () => {
    const names = ["stays", "goes", "forced"];
    for (const name of names) await cluster.createPod(name, spec());
    const [stays] = await Promise.all(names.map((name) => cluster.until(name, "running", isRunning)));
    const ctr = (...words: string[]) =>
      execFileSync("ctr", ["--address", cluster.config.containerd.socket, "--namespace", "k8s.io", ...words], { encoding: "utf8" });
    ctr("leases", "create", "--id", "of-a-call", "--expires", "24h");
    await cluster.killAgent();
    killContainerd();
    await cluster.delete("goes");
    await cluster.delete("forced", 0);
    await cluster.startAgent();
    await cluster.untilGone("goes");
    const now = await cluster.until("stays", "running", isRunning);
    assert.deepEqual([run(now)?.containerID, run(now)?.restartCount, now.status?.podIP], [run(stays!)?.containerID, 0, stays?.status?.podIP]);
    await removeAll("stays");
    assert.doesNotMatch(ctr("leases", "ls"), /of-a-call/);
  });

  test("agent, containerd and shims at once: all pods run again", async () => {
    const names = ["one", "two", "three"];
    for (const name of names) await cluster.createPod(name, spec());
    const before = await Promise.all(names.map((name) => cluster.until(name, "running", isRunning)));
    await cluster.killAgent();
    killContainerd();
    killShims();
    await cluster.startAgent();
    for (const pod of before) {
      const now = await cluster.until(pod.metadata.name, "running again", isRunningAgain(pod), TIMEOUT_MS);
      assert.equal(run(now)?.restartCount, 1);
    }
    await removeAll(...names);
  });
});
