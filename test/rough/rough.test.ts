/** What people and machines do to a cluster: two of them, two commands at once, kills, damaged files, a full disk. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Pod } from "#api/core-v1/types.ts";
import { podProcesses } from "#cli/cgroups.ts";
import { pathsOf } from "#cli/paths.ts";
import { childrenOf, clusterProcesses, isAlive, type Role } from "#cli/processes.ts";
import type { Output } from "#test/e2e/support/cluster.ts";
import { eventually } from "#test/e2e/support/eventually.ts";
import { busyboxEntries, layerOf, requireProgram } from "#test/e2e/support/file-system.ts";
import { differences, type HostSnapshot, hostSnapshot } from "#test/e2e/support/host-snapshot.ts";
import { kubectlPath } from "#test/e2e/support/kubectl.ts";
import { PrivateNetwork } from "#test/e2e/support/private-network.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = "/var/tmp/skiff-e2e-rough";
const KUBECONFIG = join(FOLDER, "kubeconfig");
const OWN_KUBECONFIG = `apiVersion: v1
clusters:
- cluster:
    server: https://prod:6443
  name: prod
contexts: []
current-context: ""
# mine
kind: Config
preferences: {}
users: []
`;
const busybox = requireProgram(["/bin/busybox", "/usr/bin/busybox"], "busybox-static");

interface Cluster {
  readonly dataDir: string;
  readonly context: string;
  readonly flags: readonly string[];
  readonly nodePort: number;
  readonly hostPort: number;
}

const cluster = (name: string, nodePort: number, hostPort: number, ...flags: string[]): Cluster => ({
  dataDir: join(FOLDER, name),
  context: `skiff-${name}`,
  flags: ["--data-dir", join(FOLDER, name), ...flags],
  nodePort,
  hostPort,
});
const one = cluster("one", 30_080, 8080);
const PORTS = ["--https-listen-port", "6444", "--kubelet-port", "10260"];
const two = cluster("two", 28_080, 8081, "--config", join(FOLDER, "two.yaml"));
const CONFIG = `https-listen-port: 6444
kubelet-port: 10260
cluster-cidr: 10.44.0.0/16
service-cidr: 10.45.0.0/16
service-node-port-range: 28000-29999
`;

let network: PrivateNetwork;
let pristine: HostSnapshot;
const snapshot = () => hostSnapshot(network, [one.dataDir, two.dataDir]);
const env = { ...process.env, KUBECONFIG };

before(() => {
  network = new PrivateNetwork("skiff-e2e-rough");
  clear();
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(KUBECONFIG, OWN_KUBECONFIG);
  writeFileSync(join(FOLDER, "two.yaml"), CONFIG);
  pristine = snapshot();
});
after(() => {
  clear();
  network.remove();
});

/** Also what a killed run has left. */
function clear(): void {
  for (const name of ["one", "two", "heir", "disk/data"]) {
    execFileSync(join(root, "skiff"), ["down", "--purge", "--quiet", "--data-dir", join(FOLDER, name)], { env, stdio: "ignore" });
  }
  if (existsSync(join(FOLDER, "disk"))) execFileSync("sh", ["-c", `umount --lazy ${FOLDER}/disk 2>/dev/null || true`]);
  rmSync(FOLDER, { recursive: true, force: true });
}

const skiff = ({ flags }: Cluster, verb: string, ...words: string[]): Promise<Output> => network.run([join(root, "skiff"), verb, ...flags, ...words], env);

async function succeed(output: Promise<Output>): Promise<string> {
  const { code, stdout, stderr } = await output;
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

const up = (which: Cluster) => succeed(skiff(which, "up", "--quiet"));
const kubectl = ({ context }: Cluster, ...words: string[]) => succeed(network.run([kubectlPath(), "--context", context, ...words], env));
const FETCH = "fetch(process.argv[1]).then((answer) => answer.text()).then((text) => process.stdout.write(text))";
const page = (address: string) => succeed(network.run([process.execPath, "-e", FETCH, `http://${address}/`]));
const processes = ({ dataDir }: Cluster, ...roles: Role[]) => clusterProcesses(dataDir).filter(({ role }) => roles.length === 0 || roles.includes(role));
const supervisorOf = (which: Cluster, program: string) => processes(which, "supervisor").find(({ command }) => command.includes(program))!;

/** Every process of the cluster and of its containers, at once and without a warning. */
function killEverything(which: Cluster): void {
  const all = processes(which);
  const shims = new Set(all.filter(({ role }) => role === "shim").map(({ pid }) => pid));
  const pids = [...all.map(({ pid }) => pid), ...childrenOf(shims).map(({ pid }) => pid), ...podProcesses(pathsOf(which.dataDir).cgroupRoot)];
  for (const pid of new Set(pids)) execFileSync("sh", ["-c", `kill -KILL ${pid} 2>/dev/null || true`]);
}

/** A page under every address that a cluster can give, and volumes of several kinds. */
function webManifest({ context, nodePort, hostPort }: Cluster): string {
  return `
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data: { index.html: "${context}" }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: busybox:1
        command: [sh, -c, "trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait"]
        ports: [{ containerPort: 80, hostPort: ${hostPort} }]
        readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 }
        volumeMounts: [{ name: page, mountPath: /www }, { name: memory, mountPath: /memory }, { name: disk, mountPath: /disk }]
      volumes:
      - { name: page, configMap: { name: page } }
      - { name: memory, emptyDir: { medium: Memory } }
      - { name: disk, emptyDir: {} }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: NodePort
  selector: { app: web }
  ports: [{ port: 80, nodePort: ${nodePort} }]
`;
}

async function deploy(which: Cluster): Promise<void> {
  const words = ["image", "load", "--data-dir", which.dataDir, "--as", "busybox:1", "-"];
  await succeed(network.run([join(root, "skiff"), ...words], env, layerOf(busyboxEntries())));
  await succeed(network.run([kubectlPath(), "--context", which.context, "apply", "-f", "-"], env, webManifest(which)));
  await kubectl(which, "rollout", "status", "deployment/web", "--timeout=60s");
}

/** The cluster's page by node port, host port and the address that its pods know by name. */
async function assertServes(which: Cluster): Promise<void> {
  const answer = await eventually(() => kubectl(which, "exec", "deploy/web", "--", "nslookup", "web.default.svc.cluster.local"));
  const serviceIp = /Name:\s+web\S+\s+Address:\s+([\d.]+)/.exec(answer)?.[1] ?? answer;
  assert.equal(serviceIp, await kubectl(which, "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"));
  for (const address of [serviceIp, `${network.address}:${which.nodePort}`, `${network.address}:${which.hostPort}`]) {
    assert.equal(await eventually(() => page(address)), which.context, address);
  }
}

async function containerId(which: Cluster): Promise<string> {
  const { items } = JSON.parse(await kubectl(which, "get", "pods", "-l", "app=web", "-o", "json")) as { items: Pod[] };
  return items[0]?.status.containerStatuses?.[0]?.containerID ?? "";
}

test("two ups at the same moment both end well, with one cluster", async () => {
  const outputs = await Promise.all([skiff(one, "up"), skiff(one, "up")]);
  assert.deepEqual(
    outputs.map(({ code }) => code),
    [0, 0],
    outputs.map(({ stderr }) => stderr).join("\n"),
  );
  // A program that starts a tool is two of itself for a moment.
  await eventually(() => {
    assert.deepEqual(
      processes(one, "supervisor", "server", "agent")
        .map(({ role }) => role)
        .sort(),
      ["agent", "server", "supervisor", "supervisor"],
    );
  });
  await deploy(one);
  await assertServes(one);
});

for (const { flag, others } of [
  { flag: "https-listen-port", others: ["--kubelet-port", "10260"] },
  { flag: "kubelet-port", others: ["--https-listen-port", "6444"] },
]) {
  test(`up names who has the port of --${flag}, and leaves nothing`, async () => {
    const holder = network.start(busybox, "nc", "-ll", "-p", "7777", "-e", "/bin/true");
    try {
      const { code, stderr } = await eventually(async () => {
        const output = await skiff({ ...two, flags: ["--data-dir", two.dataDir] }, "up", `--${flag}`, "7777", ...others);
        assert.match(output.stderr, /SKF-1101/);
        return output;
      });
      assert.equal(code, 11);
      assert.match(stderr, new RegExp(`^error\\[SKF-1101\\]: port 7777 is in use by busybox \\(pid ${holder.pid}\\)$`, "m"));
      assert.match(stderr, new RegExp(`^try: ./skiff up --${flag} 7778$`, "m"));
      assert.ok(!existsSync(two.dataDir));
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
  });
}

test("up refuses the addresses of another cluster, with flags that would do, and leaves nothing", async () => {
  const { code, stderr } = await skiff({ ...two, flags: ["--data-dir", two.dataDir, ...PORTS] }, "up");
  assert.equal(code, 11);
  assert.match(stderr, /^error\[SKF-1104\]: pod network 10.42.0.0\/16 and service network .* and node port range .* are taken by the cluster in \S+\/one$/m);
  assert.match(stderr, /^try: .* --cluster-cidr 10.44.0.0\/16 --service-cidr 10.45.0.0\/16 --service-node-port-range 28000-29999$/m);
  assert.ok(!existsSync(two.dataDir));
});

test("two clusters serve side by side, each its own; when one is killed and purged, nothing of the other's changes", async () => {
  const alone = snapshot();
  await up(two);
  await deploy(two);
  for (const which of [one, two]) await assertServes(which);
  for (const which of [one, two]) assert.equal((await kubectl(which, "get", "pods", "-A", "--no-headers")).trim().split("\n").length, 1);
  killEverything(two);
  await succeed(skiff(two, "down", "--purge"));
  await assertServes(one);
  await eventually(() => assert.deepEqual(differences(alone, snapshot()), []), 5000);
});

test("whatever ends of server and agent comes back by itself; containers do not notice", async () => {
  const container = await containerId(one);
  const [containerd] = processes(one, "containerd");
  truncateSync(join(one.dataDir, "agent/etc/containerd.toml.pid"), 0);
  for (const [role, signal] of [
    ["server", "SIGKILL"],
    ["agent", "SIGTERM"],
  ] as const) {
    const [victim] = processes(one, role);
    process.kill(victim!.pid, signal);
    await eventually(() => assert.ok(!isAlive(victim!)));
    await eventually(() => assert.equal(processes(one, role).length, 1));
  }
  await eventually(async () => assert.equal((await skiff(one, "status")).code, 0));
  assert.equal(await containerId(one), container);
  assert.ok(isAlive(containerd!));
  await eventually(() => assert.equal(processes(one, "containerd").length, 1));
  await assertServes(one);
});

test("status tells that nobody watches over a program, and up mends it", async () => {
  for (const program of ["server", "agent"]) process.kill(supervisorOf(one, program).pid, "SIGKILL");
  const { code, stdout } = await skiff(one, "status");
  assert.equal(code, 4);
  assert.match(stdout, /^state +degraded$/m);
  assert.match(stdout, /^server .*nobody would start it again: \.\/skiff up$/m);
  await up(one);
  assert.equal((await skiff(one, "status")).code, 0);
  await eventually(() => assert.equal(processes(one, "server").length, 1));
});

test("up mends a cluster of which every process was killed", async () => {
  killEverything(one);
  assert.equal((await skiff(one, "status")).code, 3);
  await up(one);
  await kubectl(one, "wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=60s");
  await assertServes(one);
});

test("a cluster with the addresses of one that was killed serves, and so does that one again when the other is down", async () => {
  const heir = cluster("heir", one.nodePort, one.hostPort);
  killEverything(one);
  const { code, stderr } = await skiff(heir, "up");
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`^note: removed the network rules of a cluster that does not run any more \\(${pathsOf(one.dataDir).instance}\\)$`, "m"));
  await deploy(heir);
  await assertServes(heir);
  await succeed(skiff(heir, "down", "--quiet"));
  await up(one);
  await kubectl(one, "wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=60s");
  await assertServes(one);
  await succeed(skiff(heir, "down", "--purge", "--quiet"));
  await assertServes(one);
});

/** Files of the cluster that are text of ours; the store, containerd's own files and logs have tests of their own. */
function ownFiles({ dataDir }: Cluster): string[] {
  const files = ["*.json", "server/*.*", "server/tls/*", "agent/tls/*", "agent/etc/**", "agent/cni/**"].flatMap((pattern) => globSync(join(dataDir, pattern)));
  return files.filter((file) => statSync(file).isFile());
}

/** Nobody but a backup can bring these back. */
const IRREPLACEABLE = ["server/tls/ca.key", "server/tls/service-account.key", "server/cred/encryption-config.json", "server/db/state.db"];

for (const [damage, length] of [
  ["cut in half", (bytes: number) => Math.floor(bytes / 2)],
  ["emptied", () => 0],
] as const) {
  test(`up mends files that were ${damage}, or names the one that it cannot, and keeps the rest`, async () => {
    await succeed(skiff(one, "down", "--quiet"));
    const before = new Map(ownFiles(one).map((file) => [file, readFileSync(file)]));
    assert.ok(before.size >= 20, [...before.keys()].join(" "));
    for (const name of IRREPLACEABLE) {
      const file = join(one.dataDir, name);
      const whole = readFileSync(file);
      truncateSync(file, length(statSync(file).size));
      const { code, stderr } = await skiff(one, "up");
      assert.ok(code === 11 || code === 17, `${name}: ${code} ${stderr}`);
      assert.match(stderr, new RegExp(`^error\\[SKF-\\d+\\]: .*${file}`, "m"));
      await succeed(skiff(one, "down", "--quiet"));
      for (const [other, bytes] of before) if (other !== file && !other.endsWith(".pid")) assert.deepEqual(readFileSync(other), bytes, other);
      assert.equal(statSync(file).size, length(whole.length), name);
      writeFileSync(file, whole);
    }
    for (const file of before.keys()) if (!IRREPLACEABLE.some((name) => file.endsWith(name))) truncateSync(file, length(statSync(file).size));
    const { code, stderr } = await skiff(one, "up");
    assert.equal(code, 0, stderr);
    const record = join(one.dataDir, "host.json");
    assert.match(stderr, new RegExp(`^note: ${record} is damaged`, "m"));
    writeFileSync(record, before.get(record) as Buffer);
    const ca = join(one.dataDir, "server/tls/ca.crt");
    assert.equal(keyOf(readFileSync(ca)), keyOf(before.get(ca) as Buffer));
    await kubectl(one, "wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=60s");
    await assertServes(one);
  });
}

function keyOf(certificate: Buffer) {
  return new X509Certificate(certificate).publicKey.export({ type: "spki", format: "pem" });
}

const STUBBORN = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: stubborn }
spec:
  replicas: 40
  selector: { matchLabels: { app: stubborn } }
  template:
    metadata: { labels: { app: stubborn } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - { name: main, image: "busybox:1", command: [sh, -c, "trap '' TERM INT; while :; do sleep 1000; done"] }
`;

test("down ends within 15 s with 40 pods that do not listen, a hung containerd, a hung agent and a dead server", async (t) => {
  await succeed(network.run([kubectlPath(), "--context", one.context, "apply", "-f", "-"], env, STUBBORN));
  await kubectl(one, "rollout", "status", "deployment/stubborn", "--timeout=100s");
  process.kill(supervisorOf(one, "server").pid, "SIGKILL");
  for (const { pid } of processes(one, "server")) process.kill(pid, "SIGKILL");
  for (const { pid } of processes(one, "agent", "containerd")) process.kill(pid, "SIGSTOP");
  const beganMs = performance.now();
  await succeed(skiff(one, "down"));
  const tookMs = performance.now() - beganMs;
  t.diagnostic(`down took ${Math.round(tookMs)} ms`);
  assert.ok(tookMs < 15_000, `${tookMs} ms`);
  assert.deepEqual([...processes(one), ...podProcesses(pathsOf(one.dataDir).cgroupRoot)], []);
});

test("after a rich life and a kill of everything, down --purge leaves the machine as it was", async () => {
  await up(one);
  await kubectl(one, "delete", "deployment", "stubborn", "--wait=false");
  await kubectl(one, "wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=60s");
  await assertServes(one);
  killEverything(one);
  await succeed(skiff(one, "down", "--purge"));
  assert.equal(readFileSync(KUBECONFIG, "utf8"), OWN_KUBECONFIG);
  await eventually(() => assert.deepEqual(differences(pristine, snapshot()), []), 5000);
  assert.deepEqual(readdirSync(FOLDER).sort(), ["kubeconfig", "two.yaml"]);
});

test("up on a full disk says so and leaves no half cluster; with room it starts, and a purge leaves the disk mounted and empty", async () => {
  const disk = join(FOLDER, "disk");
  const full = { ...cluster("disk/data", 30_080, 8080), context: "skiff-data" };
  mkdirSync(disk);
  execFileSync("sh", ["-c", `truncate -s 400M ${disk}.img && mkfs.ext4 -q ${disk}.img && mount -o loop ${disk}.img ${disk} && rm -r ${disk}/lost+found`]);
  try {
    writeFileSync(join(disk, "filler"), "");
    execFileSync("sh", ["-c", `dd if=/dev/zero of=${disk}/filler bs=1M 2>/dev/null || true`]);
    const { code, stderr } = await skiff(full, "up");
    assert.equal(code, 10);
    assert.match(stderr, /^error\[SKF-1005\]: \d+ MiB are free below \S+\/disk\/data, and \d+ MiB are needed$/m);
    assert.deepEqual(readdirSync(disk), ["filler"]);
    rmSync(join(disk, "filler"));
    await up(full);
    execFileSync("sh", ["-c", `dd if=/dev/zero of=${disk}/filler bs=1M 2>/dev/null || true`]);
    assert.equal((await skiff(full, "status")).code, 0);
    await succeed(skiff(full, "down"));
    assert.equal((await skiff(full, "up")).code, 10);
    rmSync(join(disk, "filler"));
    await up(full);
    await succeed(skiff(full, "down", "--purge"));
    assert.deepEqual(readdirSync(disk), []);
    assert.match(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(` ${disk} `));
  } finally {
    execFileSync("umount", ["--lazy", disk]);
  }
});
