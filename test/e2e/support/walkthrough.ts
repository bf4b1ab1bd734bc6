import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import type { Deployment } from "#api/apps-v1/types.ts";
import type { Endpoints, Pod } from "#api/core-v1/types.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";

import type { TestCluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { processesOfPod } from "./processes-of-pod.ts";
import { request, startSteadyClient } from "./steady-client.ts";

const NODE_PORT = "http://127.0.0.1:24001/";
const SERVICE = `
apiVersion: v1
kind: Service
metadata:
  name: nginx
  labels:
    app: nginx
spec:
  type: NodePort
  selector:
    app: nginx
  ports:
    - name: http
      port: 8888
      nodePort: 24001
      targetPort: 80
`;

/**
 * The main job, row by row, as a user does it on the first day: unmodified kubectl, real containers. Registers the rows as
 * tests, and what starts and ends their cluster.
 *
 * @returns the cluster, once a test runs
 */
export function walkthrough(start: () => Promise<TestCluster>): () => TestCluster {
  const folder = mkdtempSync(join(tmpdir(), "skiff-walkthrough-"));
  const serviceFile = join(folder, "service-nodeport.yaml");
  let cluster: TestCluster;

  before(async () => {
    writeFileSync(serviceFile, SERVICE);
    cluster = await start();
  });
  after(async () => {
    await cluster?.destroy();
    rmSync(folder, { recursive: true });
  });

  const kubectl = (...words: string[]) => cluster.kubectlText(...words);
  const json = async <T>(...words: string[]): Promise<T> => JSON.parse(await kubectl(...words, "-o", "json")) as T;
  const pods = async (selector = "app=nginx") => (await json<{ items: Pod[] }>("get", "pods", "-l", selector)).items;
  const livePods = async () => (await pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const firstPod = async () => (await livePods())[0]!.metadata.name;
  const rows = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(/\s{2,}|(?<=\S) (?=\S)/));

  test("row 1: a deployment is created", async () => {
    assert.equal(await kubectl("create", "deployment", "nginx", "--image=nginx:1.7.9"), "deployment.apps/nginx created\n");
  });

  test("row 2: it becomes available", async () => {
    assert.match(await kubectl("rollout", "status", "deploy", "nginx", "--timeout=30s"), /deployment "nginx" successfully rolled out/);
    const [row] = rows(await kubectl("get", "deployments.apps", "nginx"));
    assert.deepEqual(row!.slice(0, 4), ["nginx", "1/1", "1", "1"]);
  });

  test("row 3: describe tells its revision, strategy, conditions and event", async () => {
    const text = await kubectl("describe", "deploy", "nginx");
    assert.match(text, /Annotations: +deployment\.kubernetes\.io\/revision: 1\n/);
    assert.match(text, /25% max unavailable, 25% max surge/);
    assert.match(text, /Available +True +MinimumReplicasAvailable/);
    assert.match(text, /Progressing +True +NewReplicaSetAvailable/);
    assert.match(text, /Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set nginx-\w+ from 0 to 1/);
  });

  test("row 4: it has one replica set, named after its template", async () => {
    const [row, ...others] = rows(await kubectl("get", "rs"));
    assert.deepEqual(others, []);
    assert.match(row![0]!, /^nginx-[bcdf-hj-np-tv-xz2456789]{1,10}$/);
    assert.deepEqual(row!.slice(1, 4), ["1", "1", "1"]);
  });

  test("row 5: the pod runs, with an address, on this node", async () => {
    const [header, row] = (await kubectl("get", "pod", "-o", "wide"))
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    assert.deepEqual(header, ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED NODE", "READINESS GATES"]);
    const [name, ready, status, restarts, , ip, node, ...gates] = row!;
    assert.match(name!, /^nginx-\w+-\w{5}$/);
    assert.deepEqual([ready, status, restarts, ...gates], ["1/1", "Running", "0", "<none>", "<none>"]);
    assert.match(ip!, /^10(\.\d+){3}$/);
    assert.equal(node, (await json<{ items: { metadata: { name: string } }[] }>("get", "nodes")).items[0]!.metadata.name);
  });

  test("row 6: logs, followed and of the run before", async () => {
    await kubectl(
      "run",
      "talker",
      "--image=busybox:1.36",
      "--restart=Always",
      "--",
      "sh",
      "-c",
      "for i in 1 2 3 4 5 6 7; do echo line $i; done; sleep 1; echo more; sleep 3; exit 1",
    );
    const tail = await eventually(async () => {
      const text = await kubectl("logs", "--tail", "5", "talker");
      assert.match(text, /line 7/);
      return text;
    });
    assert.match(tail, /^line 3\nline 4\nline 5\nline 6\nline 7\n|line 7\nmore\n/);
    const followed = await kubectl("logs", "-f", "--tail", "5", "talker");
    assert.match(followed, /line 7\nmore\n$/);
    await eventually(async () => assert.match(await kubectl("logs", "--previous", "talker"), /line 1\n[^]*more\n/));
    await kubectl("delete", "pod", "talker", "--now");
  });

  test("row 7: exec passes output, exit code and input on", async () => {
    const pod = await firstPod();
    const version = await cluster.kubectl("exec", pod, "--", "nginx", "-v");
    assert.equal(version.code, 0);
    assert.match(version.stdout + version.stderr, /nginx version: nginx\//);
    const failing = await cluster.kubectl("exec", pod, "--", "sh", "-c", "echo out; echo err >&2; exit 3");
    assert.deepEqual([failing.code, failing.stdout], [3, "out\n"]);
    assert.match(failing.stderr, /^err\n/);
    assert.match(failing.stderr, /command terminated with exit code 3/);
    assert.equal(await withInput(cluster, "hello\n", "exec", "-i", pod, "--", "cat"), "hello\n");
  });

  test("row 7: exec on a terminal follows the window's size", async () => {
    const pod = await firstPod();
    // One change at a time: stty makes two of rows and columns, and kubectl may drop the second if it is still busy with the first.
    const command = `(sleep 1.5; stty cols 120 </dev/tty) & stty rows 33 cols 111; ${cluster.kubectlPath} exec -it ${pod} -- sh -c 'stty size; sleep 3; stty size; exit 5'`;
    const { stdout, code } = await onTerminal(cluster, command);
    assert.match(stdout, /33 111\s+33 120/);
    assert.equal(code, 5);
  });

  test("row 8: a service is applied", async () => {
    assert.equal(await kubectl("apply", "-f", serviceFile), "service/nginx created\n");
    const text = await kubectl("get", "svc");
    assert.match(text, /kubernetes +ClusterIP +10(\.\d+){3} +<none> +443\/TCP/);
    assert.match(text, /nginx +NodePort +10(\.\d+){3} +<none> +8888:24001\/TCP/);
  });

  test("row 9: the page comes over the node port, over the node's address, and by name from a pod", async () => {
    const page = await eventually(() => request(NODE_PORT));
    assert.match(page, /1\.7\.9/);
    const [pod] = await pods();
    assert.equal(await request(`http://${pod!.status.hostIP}:24001/`), page);
    await kubectl("run", "client", "--image=busybox:1.36", "--command", "--", "sleep", "3600");
    await kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=30s");
    assert.equal(await kubectl("exec", "client", "--", "wget", "-qO-", "http://nginx:8888/"), page);
    assert.equal(await kubectl("exec", "client", "--", "wget", "-qO-", "http://nginx.default.svc.cluster.local:8888/"), page);
    await kubectl("delete", "pod", "client", "--now", "--wait=false");
  });

  const endpointIps = async () =>
    (await json<Endpoints>("get", "endpoints", "nginx")).subsets?.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)) ?? [];
  const sliceIps = async () => {
    const { items } = await json<{ items: EndpointSlice[] }>("get", "endpointslices", "-l", "kubernetes.io/service-name=nginx");
    return items.flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready).flatMap(({ addresses }) => addresses));
  };

  test("row 10: endpoints and slices name the pod", async () => {
    const [pod] = await pods();
    assert.match(await kubectl("get", "endpoints", "nginx"), new RegExp(`nginx +${pod!.status.podIP}:80 `));
    assert.match(await kubectl("get", "endpointslices"), new RegExp(`nginx-\\w{5} +IPv4 +80 +${pod!.status.podIP} `));
  });

  test("row 11: scaled to three, it serves from three addresses", async () => {
    assert.equal(await kubectl("scale", "deployment", "nginx", "--replicas=3"), "deployment.apps/nginx scaled\n");
    await kubectl("rollout", "status", "deploy", "nginx", "--timeout=60s");
    assert.deepEqual(rows(await kubectl("get", "deploy", "nginx"))[0]!.slice(0, 4), ["nginx", "3/3", "3", "3"]);
    const ips = (await pods()).map(({ status }) => status.podIP).sort();
    assert.equal(new Set(ips).size, 3);
    await eventually(async () => assert.deepEqual([(await endpointIps()).sort(), (await sliceIps()).sort()], [ips, ips]));
  });

  test("row 12: a rolling update, and no request fails all the while", async () => {
    const client = startSteadyClient(NODE_PORT);
    assert.equal(await kubectl("set", "image", "deploy", "nginx", "nginx=nginx:1.9.1"), "deployment.apps/nginx image updated\n");
    const status = await kubectl("rollout", "status", "deploy", "nginx", "--timeout=90s");
    await eventually(async () => assert.equal((await pods()).length, 3));
    const { answers, failures } = await client.stop();
    assert.match(status, /Waiting for deployment "nginx" rollout to finish: \d/);
    assert.match(status, /deployment "nginx" successfully rolled out\n$/);
    assert.deepEqual(failures, {});
    assert.ok(answers > 100, `only ${answers} answers`);
    assert.match(await request(NODE_PORT), /1\.9\.1/);
  });

  test("row 13: the history has two revisions", async () => {
    assert.match(await kubectl("rollout", "history", "deploy", "nginx"), /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/);
  });

  test("row 14: an image that is not there stops the rollout, and the old pods serve on", async () => {
    await kubectl("set", "image", "deploy", "nginx", "nginx=nginx:1.95");
    const seen = new Set<string>();
    const bad = await eventually(async () => {
      const found = (await pods()).find(({ spec }) => spec.containers[0]!.image === "nginx:1.95");
      const reason = found?.status.containerStatuses?.[0]?.state?.waiting?.reason;
      if (reason !== undefined) seen.add(reason);
      assert.equal(reason, "ImagePullBackOff");
      return found!;
    });
    assert.ok(seen.has("ErrImagePull") || seen.has("ImagePullBackOff"));
    assert.deepEqual(rows(await kubectl("get", "deploy", "nginx"))[0]!.slice(0, 4), ["nginx", "3/3", "1", "3"]);
    assert.match(await request(NODE_PORT), /1\.9\.1/);
    const text = await kubectl("describe", "pod", bad.metadata.name);
    for (const line of [
      /Normal +Scheduled +\S+ +default-scheduler +Successfully assigned default\//,
      /Normal +Pulling +.* kubelet +spec\.containers\{nginx\}: Pulling image "nginx:1\.95"/,
      /Warning +Failed +.* kubelet +spec\.containers\{nginx\}: Failed to pull image "nginx:1\.95": .*not found/,
      /Normal +BackOff +.* kubelet +spec\.containers\{nginx\}: Back-off pulling image "nginx:1\.95"/,
    ]) {
      await eventually(async () => assert.match(await kubectl("describe", "pod", bad.metadata.name), line));
    }
    assert.match(text, /Reason: +(ErrImagePull|ImagePullBackOff)/);
  });

  test("row 15: undo rolls back", async () => {
    assert.equal(await kubectl("rollout", "undo", "deploy", "nginx"), "deployment.apps/nginx rolled back\n");
    await kubectl("rollout", "status", "deploy", "nginx", "--timeout=60s");
    assert.deepEqual(rows(await kubectl("get", "deploy", "nginx"))[0]!.slice(0, 4), ["nginx", "3/3", "3", "3"]);
    await eventually(async () => {
      const sets = (await json<{ items: Deployment[] }>("get", "rs")).items;
      const replicas = Object.fromEntries(sets.map(({ spec }) => [spec.template.spec.containers[0]!.image, spec.replicas]));
      assert.deepEqual(replicas, { "nginx:1.7.9": 0, "nginx:1.9.1": 3, "nginx:1.95": 0 });
    });
  });

  test("row 16: a deleted pod is replaced at once", async () => {
    await eventually(async () => assert.equal((await pods()).length, 3));
    const name = await firstPod();
    assert.equal(await kubectl("delete", "pod", name, "--wait=false"), `pod "${name}" deleted from default namespace\n`);
    await eventually(async () => {
      const live = await livePods();
      assert.equal(live.length, 3);
      assert.ok(!live.some(({ metadata }) => metadata.name === name));
    }, 5000);
    await eventually(async () =>
      assert.deepEqual(
        (await pods()).map(({ status }) => status.phase),
        ["Running", "Running", "Running"],
      ),
    );
  });

  test("row 17: a patch is taken, and the status tells how far it got", async () => {
    await kubectl("create", "deployment", "nginx-deployment", "--image=nginx:1.9.1", "--replicas=3");
    await kubectl("rollout", "status", "deploy", "nginx-deployment", "--timeout=60s");
    assert.equal(await kubectl("patch", "deployment", "nginx-deployment", "--patch", '{"spec":{"replicas":4}}'), "deployment.apps/nginx-deployment patched\n");
    await eventually(async () => {
      const { availableReplicas, observedGeneration, readyReplicas, replicas, updatedReplicas } = (await json<Deployment>("get", "deploy", "nginx-deployment"))
        .status;
      assert.deepEqual(
        { availableReplicas, observedGeneration, readyReplicas, replicas, updatedReplicas },
        { availableReplicas: 4, observedGeneration: 2, readyReplicas: 4, replicas: 4, updatedReplicas: 4 },
      );
    });
    await kubectl("delete", "deployment", "nginx-deployment");
  });

  test("row 19: a killed container is started again", async () => {
    const [pod] = await livePods();
    const [pid] = processesOfPod(pod!.metadata.uid, "nginx: master");
    assert.ok(pid !== undefined, "the container's process is not to be found");
    process.kill(pid, "SIGKILL");
    await eventually(async () => {
      const status = (await json<Pod>("get", "pod", pod!.metadata.name)).status.containerStatuses![0]!;
      assert.deepEqual([status.restartCount, status.ready, status.lastState?.terminated?.exitCode], [1, true, 137]);
    });
    assert.match(await kubectl("get", "pod", pod!.metadata.name), /1\/1 +Running +1 \(\d+s ago\)/);
  });

  test("row 19: one that always dies backs off", async () => {
    await kubectl("run", "dying", "--image=busybox:1.36", "--", "sh", "-c", "exit 3");
    await eventually(async () => {
      const text = await kubectl("get", "pod", "dying");
      assert.match(text, /0\/1 +CrashLoopBackOff +[1-9]/);
    });
    const { lastState } = (await json<Pod>("get", "pod", "dying")).status.containerStatuses![0]!;
    assert.equal(lastState?.terminated?.exitCode, 3);
    await kubectl("delete", "pod", "dying", "--now");
  });

  test("row 18: manifests of versions that upstream has dropped apply, with a warning, and roll back by their own field", async () => {
    const nginxDeployment = () => json<Deployment>("get", "deploy", "nginx-deployment");
    for (const [file, apiVersion, name] of [
      ["deployment-v1beta1.yaml", "apps/v1beta1", "deployment.apps/nginx-deployment"],
      ["deployment-extensions.yaml", "extensions/v1beta1", "deployment.extensions/nginx-deployment"],
    ] as const) {
      const path = join(folder, file);
      writeFileSync(path, oldDeployment(apiVersion));
      const { stdout, stderr } = await cluster.kubectl("apply", "-f", path);
      assert.match(stdout, new RegExp(`^${name} created\n`));
      assert.ok(stderr.includes(`Warning: ${apiVersion} Deployment is deprecated in v1.8+, unavailable in v1.16+; use apps/v1 Deployment`), stderr);
      await kubectl("rollout", "status", "deploy", "nginx-deployment", "--timeout=60s");
      assert.match(await kubectl("get", "deploy", "nginx-deployment", "-o", "yaml"), /^apiVersion: apps\/v1\n/);
      await kubectl("set", "image", "deploy", "nginx-deployment", "nginx=nginx:1.9.1");
      await kubectl("rollout", "status", "deploy", "nginx-deployment", "--timeout=60s");
      const old = `deployments.${apiVersion.split("/").toReversed().join(".")}`;
      await kubectl("patch", old, "nginx-deployment", "--type=merge", "--patch", '{"spec":{"rollbackTo":{"revision":1}}}');
      await eventually(async () => assert.equal((await nginxDeployment()).spec.template.spec.containers[0]!.image, "nginx:1.7.9"));
      await kubectl("rollout", "status", "deploy", "nginx-deployment", "--timeout=60s");
      await kubectl("delete", "-f", path);
    }
  });

  test("row 21: everything is deleted", async () => {
    assert.equal(await kubectl("delete", "deployments.apps", "nginx"), 'deployment.apps "nginx" deleted from default namespace\n');
    assert.equal(await kubectl("delete", "-f", serviceFile), 'service "nginx" deleted from default namespace\n');
    await eventually(async () => {
      const { stdout, stderr } = await cluster.kubectl("get", "pod");
      assert.deepEqual([stdout, stderr], ["", "No resources found in default namespace.\n"]);
    }, 60_000);
    await assert.rejects(request(NODE_PORT));
  });

  return () => cluster;
}

const ONE_BY_ONE = `  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 1
      maxSurge: 0
`;
const LOAD_BALANCER = `---
apiVersion: v1
kind: Service
metadata:
  name: nginx-service
spec:
  type: LoadBalancer
  selector:
    app: nginx
  ports:
    - port: 80
      targetPort: 80
`;

/** The oldest manifests that still have to apply: neither names a selector. */
const oldDeployment = (apiVersion: "apps/v1beta1" | "extensions/v1beta1") => `apiVersion: ${apiVersion}
kind: Deployment
metadata:
  name: nginx-deployment
spec:
  replicas: 3
${apiVersion === "extensions/v1beta1" ? ONE_BY_ONE : ""}  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
        - name: nginx
          image: nginx:1.7.9
          ports:
            - containerPort: 80
${apiVersion === "apps/v1beta1" ? LOAD_BALANCER : ""}`;

/** kubectl with something on its standard input. */
function withInput(cluster: TestCluster, input: string, ...words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(cluster.kubectlPath, words, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig }, stdio: ["pipe", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(Buffer.concat(chunks).toString()) : reject(new Error(`kubectl ended with code ${code}`))));
    child.stdin.end(input);
  });
}

/** A shell command with a terminal of its own. */
async function onTerminal(cluster: TestCluster, command: string): Promise<{ stdout: string; code: number }> {
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  try {
    const { stdout } = await promisify(execFile)("script", ["-qec", command, "/dev/null"], { env, timeout: 30_000 });
    return { stdout, code: 0 };
  } catch (error) {
    const { stdout, code } = error as { stdout: string; code: number };
    return { stdout, code };
  }
}
