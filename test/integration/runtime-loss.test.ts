import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import type { Pod } from "#api/core-v1/types.ts";
import { runningPid } from "#kubelet/runtime/containerd.ts";

import { IMAGE, KubeletCluster, whyNoContainers } from "./support/kubelet-cluster.ts";

const container = (script: string) => ({ containers: [{ name: "c", image: IMAGE, command: ["sh", "-c", `trap 'exit 0' TERM; ${script}`] }] });
const running = ({ status }: Pod) => status?.phase === "Running";

describe("startKubelet() when its containerd ends", { skip: whyNoContainers() ?? false }, () => {
  let cluster: KubeletCluster;
  before(async () => {
    cluster = await KubeletCluster.start();
  });
  after(() => cluster?.close());

  test("brings it back, sees what ended meanwhile, leaves what runs alone, and starts new pods", async () => {
    await cluster.createPod("stays", container("sleep 1000 & wait"));
    // Ends as soon as nothing answers for containers any more: its exit is missed.
    const mounts = { volumeMounts: [{ name: "run", mountPath: "/run/own" }] };
    const volumes = [{ name: "run", hostPath: { path: `${cluster.config.dataDir}/run` } }];
    const ends = container("until test -e /run/own/gone; do sleep 0.05; done; exit 3");
    await cluster.createPod("ends", { containers: [{ ...ends.containers[0], ...mounts }], volumes, restartPolicy: "Never" });
    for (const name of ["stays", "ends"]) await cluster.until(name, "running", running);

    const pid = runningPid(cluster.config.containerd)!;
    process.kill(pid, "SIGKILL");
    writeFileSync(`${cluster.config.dataDir}/run/gone`, "");

    const ended = await cluster.until("ends", "failed", ({ status }) => status?.phase === "Failed");
    assert.equal(ended.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
    assert.notEqual(runningPid(cluster.config.containerd), pid);
    await cluster.createPod("new", container("sleep 1000 & wait"));
    await cluster.until("new", "running", running);
    const stays = await cluster.until("stays", "running", running);
    assert.equal(stays.status?.containerStatuses?.[0]?.restartCount, 0);
  });
});
