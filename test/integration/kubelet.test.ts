import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { CONFIG_MAPS, NODES, PODS, SECRETS } from "#api/builtin.ts";
import type { ContainerStatus, Pod } from "#api/core-v1/types.ts";

import { CriRuntime } from "#kubelet/cri/runtime.ts";
import { CONTAINER_RUNNING } from "#kubelet/cri/types.ts";

import { IMAGE, KubeletCluster, NODE, whyNoContainers } from "./support/kubelet-cluster.ts";

const shell = (script: string, more: Record<string, unknown> = {}) => ({ name: "c", image: IMAGE, command: ["sh", "-c", script], ...more });
const SLEEP = "trap 'exit 0' TERM; sleep 1000 & wait";
const running = (pod: Pod) => pod.status?.phase === "Running";
const ready = (pod: Pod) => condition(pod, "Ready") === "True";
const condition = (pod: Pod, type: string) => pod.status?.conditions?.find((candidate) => candidate.type === type)?.status;
const statusOf = (pod: Pod, name = "c"): ContainerStatus | undefined =>
  [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((status) => status.name === name);

describe("startKubelet() with a real containerd", { skip: whyNoContainers() ?? false, concurrency: 3 }, () => {
  let cluster: KubeletCluster;

  before(async () => {
    cluster = await KubeletCluster.start();
    const { client } = cluster;
    await client.create(CONFIG_MAPS, { metadata: { namespace: "default", name: "settings" }, data: { COLOUR: "blue", "app.conf": "x=1\n" } });
    await client.create(SECRETS, { metadata: { namespace: "default", name: "keys" }, data: { password: Buffer.from("hunter2").toString("base64") } });
  });

  after(() => cluster?.close());

  test("a node is registered, ready, with a range for its pods", async () => {
    const node = await cluster.client.get(NODES, { name: NODE });
    assert.equal(node.spec.podCIDR, cluster.config.clusterCidr);
    assert.equal(node.status.conditions?.find(({ type }) => type === "Ready")?.status, "True");
    assert.match(node.status.nodeInfo.containerRuntimeVersion, /^containerd:\/\/\d/);
  });

  test("a pod runs with an address, its environment and its files", async () => {
    const env = [
      { name: "PLAIN", value: "a" },
      { name: "EXPANDED", value: "$(PLAIN)-b-$(NONE)" },
      { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "SECRET", valueFrom: { secretKeyRef: { name: "keys", key: "password" } } },
      { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
    ];
    const volumes = [
      { name: "settings", configMap: { name: "settings" } },
      { name: "keys", secret: { secretName: "keys", defaultMode: 0o400 } },
      { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      { name: "labels", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
    ];
    const volumeMounts = [
      { name: "settings", mountPath: "/etc/settings" },
      { name: "settings", mountPath: "/etc/one", subPath: "app.conf" },
      { name: "keys", mountPath: "/etc/keys" },
      { name: "memory", mountPath: "/cache" },
      { name: "labels", mountPath: "/etc/labels" },
    ];
    const resources = { limits: { cpu: "250m", memory: "32Mi" } };
    await cluster.createPod(
      "full",
      { containers: [shell(SLEEP, { env, envFrom: [{ configMapRef: { name: "settings" } }], volumeMounts, resources })], volumes },
      { labels: { app: "full" } },
    );
    const pod = await cluster.until("full", "ready", ready);
    const lines = (await cluster.exec(pod, "c", "env")).split("\n");
    for (const line of ["PLAIN=a", "EXPANDED=a-b-$(NONE)", `IP=${pod.status?.podIP}`, "SECRET=hunter2", "CPU=250", "COLOUR=blue"])
      assert.ok(lines.includes(line), line);
    assert.ok(lines.some((line) => line.startsWith("KUBERNETES_SERVICE_HOST=")));
    assert.equal(await cluster.exec(pod, "c", "cat", "/etc/settings/app.conf", "/etc/one"), "x=1\nx=1\n");
    assert.equal(await cluster.exec(pod, "c", "stat", "-L", "-c", "%a", "/etc/keys/password"), "400\n");
    assert.equal(await cluster.exec(pod, "c", "cat", "/etc/labels/labels"), 'app="full"');
    assert.match(await cluster.exec(pod, "c", "mount"), /tmpfs on \/cache type tmpfs .*size=1024k/);
    assert.match(await cluster.exec(pod, "c", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"), /^ey/);
    assert.equal(await cluster.exec(pod, "c", "hostname"), "full\n");
    assert.equal(pod.status?.qosClass, "Guaranteed");
  });

  test("init containers run in order, a sidecar beside the main container", async () => {
    const shared = [{ name: "shared", mountPath: "/shared" }];
    const initContainers = [
      { ...shell("echo one >> /shared/log", { volumeMounts: shared }), name: "first" },
      { ...shell(SLEEP), name: "side", restartPolicy: "Always" },
      { ...shell("echo two >> /shared/log", { volumeMounts: shared }), name: "second" },
    ];
    await cluster.createPod("inits", {
      initContainers,
      containers: [shell(`cat /shared/log; ${SLEEP}`, { volumeMounts: shared })],
      volumes: [{ name: "shared", emptyDir: {} }],
    });
    const pod = await cluster.until("inits", "ready", ready);
    assert.equal(await cluster.exec(pod, "c", "cat", "/shared/log"), "one\ntwo\n");
    assert.equal(statusOf(pod, "first")?.state.terminated?.reason, "Completed");
    assert.notEqual(statusOf(pod, "side")?.state.running, undefined);
    assert.equal(condition(pod, "Initialized"), "True");
  });

  test("a pod whose init container fails for good is Failed", async () => {
    await cluster.createPod("bad-init", { restartPolicy: "Never", initContainers: [{ ...shell("exit 3"), name: "first" }], containers: [shell(SLEEP)] });
    const pod = await cluster.until("bad-init", "failed", ({ status }) => status?.phase === "Failed");
    assert.equal(statusOf(pod, "first")?.state.terminated?.exitCode, 3);
    assert.equal(statusOf(pod)?.state.waiting?.reason, "PodInitializing");
  });

  test("a pod that runs once is Succeeded, and keeps its log and last words", async () => {
    await cluster.createPod("once", { restartPolicy: "Never", containers: [shell("echo out; echo bye > /dev/termination-log")] });
    const pod = await cluster.until("once", "done", ({ status }) => status?.phase === "Succeeded");
    assert.equal(statusOf(pod)?.state.terminated?.message, "bye\n");
    assert.match(readFileSync(cluster.kubelet.logPathOf(pod, "c") as string, "utf8"), /^\S+ stdout F out\n$/);
    assert.equal(condition(pod, "Initialized"), "True");
    assert.equal(pod.status?.conditions?.find(({ type }) => type === "Ready")?.reason, "PodCompleted");
  });

  test("a container that fails is restarted at once, then with back-off", async () => {
    await cluster.createPod("crash", { containers: [shell("exit 7")] });
    const pod = await cluster.until("crash", "backing off", (seen) => statusOf(seen)?.state.waiting?.reason === "CrashLoopBackOff");
    const status = statusOf(pod);
    assert.equal(status?.restartCount, 1);
    assert.equal(status?.lastState.terminated?.exitCode, 7);
    assert.equal(status?.lastState.terminated?.reason, "Error");
    assert.equal(status?.state.waiting?.message, `back-off 10s restarting failed container=c pod=crash_default(${pod.metadata.uid})`);
    assert.equal(pod.status?.phase, "Running");
    assert.notEqual(cluster.kubelet.containerIdOf(pod, "c", { previous: true }), undefined);
  });

  test("an image that cannot be had is told with the registry's reason", async () => {
    await cluster.createPod("no-image", { containers: [{ name: "c", image: "127.0.0.1:9/none:1" }] });
    const pod = await cluster.until("no-image", "waiting", (seen) => statusOf(seen)?.state.waiting?.reason === "ImagePullBackOff");
    assert.match(
      statusOf(pod)?.state.waiting?.message ?? "",
      /^Back-off pulling image "127\.0\.0\.1:9\/none:1": ErrImagePull: rpc error: .*connection refused/,
    );
    const reasons = (await cluster.events("no-image")).map(({ reason }) => reason);
    for (const reason of ["Pulling", "Failed", "BackOff"]) assert.ok(reasons.includes(reason), reason);
    await cluster.createPod("bad-name", { containers: [{ name: "c", image: "UPPER/case" }] });
    await cluster.until("bad-name", "refused", (seen) => statusOf(seen)?.state.waiting?.reason === "InvalidImageName");
    await cluster.createPod("never", { containers: [{ name: "c", image: "test.local/none:1", imagePullPolicy: "Never" }] });
    await cluster.until("never", "refused", (seen) => statusOf(seen)?.state.waiting?.reason === "ErrImageNeverPull");
  });

  test("what a container needs and does not find is told", async () => {
    await cluster.createPod("no-key", {
      containers: [shell(SLEEP, { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "none" } } }] })],
    });
    const noKey = await cluster.until("no-key", "waiting", (seen) => statusOf(seen)?.state.waiting?.reason === "CreateContainerConfigError");
    assert.equal(statusOf(noKey)?.state.waiting?.message, "couldn't find key none in ConfigMap default/settings");
    await cluster.createPod("no-volume", { containers: [shell(SLEEP)], volumes: [{ name: "v", configMap: { name: "later" } }] });
    const isTold = async () =>
      (await cluster.events("no-volume")).some(({ message }) => message === 'MountVolume.SetUp failed for volume "v" : configmap "later" not found');
    while (!(await isTold())) await new Promise((resolve) => setTimeout(resolve, 50));
    await cluster.client.create(CONFIG_MAPS, { metadata: { namespace: "default", name: "later" }, data: {} });
    await cluster.until("no-volume", "running", running);
  });

  test("probes make ready, restart, and are told of", async () => {
    const readinessProbe = { exec: { command: ["test", "-e", "/tmp/ready"] }, periodSeconds: 1 };
    const livenessProbe = { httpGet: { port: 8080, path: "/" }, periodSeconds: 1, failureThreshold: 2 };
    const startupProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 10 };
    await cluster.createPod("probed", {
      containers: [shell("echo hi > /tmp/index.html; httpd -p 8080 -h /tmp; " + SLEEP, { readinessProbe, livenessProbe, startupProbe })],
    });
    const started = await cluster.until("probed", "started", (pod) => statusOf(pod)?.started === true);
    assert.equal(condition(started, "Ready"), "False");
    await cluster.exec(started, "c", "touch", "/tmp/ready");
    await cluster.until("probed", "ready", ready);
    await cluster.exec(started, "c", "sh", "-c", "rm -f /tmp/index.html 2>/dev/null || busybox rm /tmp/index.html");
    const restarted = await cluster.until("probed", "restarted", (pod) => statusOf(pod)?.restartCount === 1);
    assert.notEqual(restarted, undefined);
    const messages = (await cluster.events("probed")).map(({ message }) => message);
    assert.ok(messages.includes("Liveness probe failed: HTTP probe failed with statuscode: 404"));
    assert.ok(messages.includes("Container c failed liveness probe, will be restarted"));
  });

  test("a deleted pod has its hooks, its grace, and leaves nothing", async () => {
    const dir = mkdtempSync(join(tmpdir(), "skiff-hooks-"));
    const lifecycle = {
      postStart: { exec: { command: ["sh", "-c", "echo start >> /out/log"] } },
      preStop: { exec: { command: ["sh", "-c", "echo stop >> /out/log"] } },
    };
    const script = "trap 'echo term >> /out/log; exit 0' TERM; sleep 1000 & wait";
    await cluster.createPod("hooked", {
      terminationGracePeriodSeconds: 20,
      containers: [shell(script, { lifecycle, volumeMounts: [{ name: "out", mountPath: "/out" }] })],
      volumes: [{ name: "out", hostPath: { path: dir, type: "Directory" } }],
    });
    const pod = await cluster.until("hooked", "running", running);
    await cluster.client.delete(PODS, { namespace: "default", name: "hooked" });
    await cluster.untilGone("hooked");
    assert.equal(readFileSync(join(dir, "log"), "utf8"), "start\nstop\nterm\n");
    await cluster.untilRemoved(pod);
    rmSync(dir, { recursive: true });
  });

  test("a grace period that is cut short, or forced away, is", async () => {
    const stubborn = shell("trap '' TERM; while true; do sleep 1; done");
    await cluster.createPod("slow", { terminationGracePeriodSeconds: 600, containers: [stubborn] });
    await cluster.until("slow", "running", running);
    await cluster.client.delete(PODS, { namespace: "default", name: "slow" });
    await cluster.until("slow", "terminating", (pod) => pod.metadata.deletionTimestamp !== undefined && running(pod));
    await cluster.client.delete(PODS, { namespace: "default", name: "slow" }, { gracePeriodSeconds: 1 });
    await cluster.untilGone("slow");
    await cluster.createPod("forced", { terminationGracePeriodSeconds: 600, containers: [stubborn] });
    const { metadata } = await cluster.until("forced", "running", running);
    await cluster.client.delete(PODS, { namespace: "default", name: "forced" }, { gracePeriodSeconds: 0 });
    await cluster.untilRemoved({ metadata });
  });

  test("a pod that is out of time is Failed", async () => {
    await cluster.createPod("late", { activeDeadlineSeconds: 1, containers: [shell(SLEEP)] });
    const pod = await cluster.until("late", "failed", ({ status }) => status?.phase === "Failed");
    assert.equal(pod.status?.reason, "DeadlineExceeded");
  });

  test("limits reach the cgroups of container and pod", { skip: existsSync("/sys/fs/cgroup/cgroup.controllers") ? "reads cgroup v1" : false }, async () => {
    const resources = { requests: { cpu: "100m" }, limits: { cpu: "500m", memory: "64Mi" } };
    await cluster.createPod("limited", { containers: [shell(SLEEP, { resources })] });
    const pod = await cluster.until("limited", "running", running);
    const ofPod = (controller: string, file: string) =>
      readFileSync(`/sys/fs/cgroup/${controller}${cluster.config.cgroupRoot}/burstable/pod${pod.metadata.uid}/${file}`, "utf8").trim();
    const ofContainer = (controller: string, file: string) => ofPod(controller, `${cluster.kubelet.containerIdOf(pod, "c")}/${file}`);
    assert.equal(ofPod("cpu", "cpu.shares"), "102");
    assert.equal(ofPod("cpu", "cpu.cfs_quota_us"), "50000");
    assert.equal(ofPod("memory", "memory.limit_in_bytes"), String(64 * 2 ** 20));
    assert.equal(ofContainer("cpu", "cpu.cfs_quota_us"), "50000");
    assert.equal(ofContainer("memory", "memory.limit_in_bytes"), String(64 * 2 ** 20));
    assert.equal(await cluster.exec(pod, "c", "cat", "/proc/1/oom_score_adj"), "998\n");
  });

  test("a pod in the host's network has the node's address, another a port of the node", async () => {
    await cluster.createPod("host", { hostNetwork: true, hostPID: true, dnsPolicy: "ClusterFirst", containers: [shell(SLEEP)] });
    const host = await cluster.until("host", "running", running);
    assert.equal(host.status?.podIP, host.status?.hostIP);
    await cluster.createPod("port", {
      containers: [
        shell(`echo served > /tmp/index.html; httpd -p 8080 -h /tmp; ${SLEEP}`, {
          ports: [{ containerPort: 8080, hostPort: 18_080 }],
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        }),
      ],
    });
    const pod = await cluster.until("port", "ready", ready);
    assert.equal(await (await fetch(`http://${pod.status?.podIP}:8080/`)).text(), "served\n");
    assert.equal(await (await fetch("http://127.0.0.1:18080/")).text(), "served\n");
  });

  test("an ephemeral container joins a pod that runs", async () => {
    await cluster.createPod("debugged", { containers: [shell(SLEEP)] });
    await cluster.until("debugged", "running", running);
    const spec = { ephemeralContainers: [{ name: "debug", image: IMAGE, command: ["sh", "-c", SLEEP], targetContainerName: "c" }] };
    await cluster.client.patch(PODS, { namespace: "default", name: "debugged" }, "strategic", { spec }, { subresource: "ephemeralcontainers" });
    const pod = await cluster.until("debugged", "joined", ({ status }) => status?.ephemeralContainerStatuses?.[0]?.state.running !== undefined);
    assert.match(await cluster.exec(pod, "debug", "cat", "/proc/1/cmdline"), /sleep 1000/);
  });

  test("a new image replaces the container alone", async () => {
    await cluster.createPod("changed", { containers: [shell(SLEEP)] });
    const before = await cluster.until("changed", "running", running);
    await cluster.client.patch(PODS, { namespace: "default", name: "changed" }, "strategic", {
      spec: { containers: [{ name: "c", image: "127.0.0.1:9/busybox:none" }] },
    });
    await cluster.until("changed", "replaced", (pod) => statusOf(pod)?.state.waiting?.reason === "ImagePullBackOff");
    await cluster.client.patch(PODS, { namespace: "default", name: "changed" }, "strategic", { spec: { containers: [{ name: "c", image: IMAGE }] } });
    const after = await cluster.until("changed", "running again", (pod) => statusOf(pod)?.state.running !== undefined);
    assert.equal(after.status?.podIP, before.status?.podIP);
    assert.equal(statusOf(after)?.restartCount, 1);
  });

  test("security contexts reach the process", async () => {
    const strict = {
      runAsUser: 1234,
      runAsGroup: 5678,
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    };
    await cluster.createPod("strict", {
      securityContext: { fsGroup: 4321, seccompProfile: { type: "RuntimeDefault" } },
      containers: [shell(SLEEP, { securityContext: strict })],
    });
    const pod = await cluster.until("strict", "running", running);
    assert.match(await cluster.exec(pod, "c", "id"), /uid=1234 gid=5678 groups=(5678,)?4321/);
    const status = await cluster.exec(pod, "c", "cat", "/proc/1/status");
    assert.match(status, /CapEff:\s+0000000000000000/);
    assert.match(status, /NoNewPrivs:\s+1/);
    assert.match(status, /Seccomp:\s+2/);
    await cluster.createPod("rooted", { containers: [shell(SLEEP, { securityContext: { runAsNonRoot: true } })] });
    const refused = await cluster.until("rooted", "refused", (seen) => statusOf(seen)?.state.waiting?.reason === "CreateContainerConfigError");
    assert.match(statusOf(refused)?.state.waiting?.message ?? "", /^container has runAsNonRoot and image will run as root/);
  });
});

describe("startKubelet() again", { skip: whyNoContainers() ?? false }, () => {
  test("adopts the pods that run, and ends those deleted meanwhile", async () => {
    const cluster = await KubeletCluster.start();
    try {
      await cluster.createPod("stays", { containers: [shell(SLEEP)] });
      await cluster.createPod("goes", { containers: [shell(SLEEP)] });
      const before = await cluster.until("stays", "running", running);
      const gone = await cluster.until("goes", "running", running);
      await cluster.kubelet.stop();
      await cluster.client.delete(PODS, { namespace: "default", name: "goes" }, { gracePeriodSeconds: 0 });
      await cluster.startKubelet();
      const after = await cluster.until("stays", "running", running);
      assert.equal(statusOf(after)?.containerID, statusOf(before)?.containerID);
      assert.equal(statusOf(after)?.restartCount, 0);
      await cluster.untilRemoved(gone);
      assert.equal(await cluster.exec(after, "c", "echo", "alive"), "alive\n");
    } finally {
      await cluster.close();
    }
  });

  test("goes on counting restarts, and keeps the last words of what has ended", async () => {
    const cluster = await KubeletCluster.start();
    try {
      await cluster.createPod("crash", { containers: [shell("echo bye > /dev/termination-log; exit 7")] });
      await cluster.createPod("once", { restartPolicy: "Never", containers: [shell("echo done > /dev/termination-log")] });
      await cluster.createPod("meanwhile", {
        restartPolicy: "Never",
        containers: [shell("until test -e /tmp/go; do sleep 0.05; done; echo late > /dev/termination-log")],
      });
      const crash = await cluster.until("crash", "backing off", (pod) => statusOf(pod)?.state.waiting?.reason === "CrashLoopBackOff");
      const once = await cluster.until("once", "done", ({ status }) => status?.phase === "Succeeded");
      const meanwhile = await cluster.until("meanwhile", "running", running);
      const id = cluster.kubelet.containerIdOf(meanwhile, "c") as string;
      await cluster.kubelet.stop();
      const runtime = new CriRuntime(cluster.config.containerd.socket);
      await runtime.execSync(id, ["touch", "/tmp/go"], 10);
      while ((await runtime.containerStatus(id))?.state === CONTAINER_RUNNING) await new Promise((resolve) => setTimeout(resolve, 20));
      runtime.close();
      await cluster.startKubelet();
      const late = await cluster.until("meanwhile", "done", ({ status }) => status?.phase === "Succeeded");
      assert.equal(statusOf(late)?.state.terminated?.message, "late\n");
      const again = await cluster.until("crash", "restarted", (pod) => (statusOf(pod)?.restartCount ?? 0) > (statusOf(crash)?.restartCount ?? 0));
      assert.equal(statusOf(again)?.restartCount, 2);
      assert.equal(statusOf(again)?.lastState.terminated?.message, "bye\n");
      assert.equal(statusOf(once)?.state.terminated?.message, "done\n");
      assert.deepEqual(statusOf(await cluster.until("once", "as it was", () => true)), statusOf(once));
    } finally {
      await cluster.close();
    }
  });
});
