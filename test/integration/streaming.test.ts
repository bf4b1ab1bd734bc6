import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";

import { ENDPOINTS, SERVICES } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { KubectlUser } from "#test/conformance/kubectl-user.ts";
import { kubectlPath } from "#test/e2e/support/kubectl.ts";

import { IMAGE, NODE, whyNoContainers } from "./support/node-config.ts";
import { ServedNode } from "./support/served-node.ts";

const MIB = 1024 * 1024;
const LARGE_BYTES = 64 * MIB;
const ready = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

/** The oldest and the newest: one speaks SPDY, the other WebSocket. */
const MINORS = [22, 35] as const;

describe("kubectl streams through the API server and the kubelet", { skip: whyNoContainers() ?? false, concurrency: 2 }, () => {
  let node: ServedNode;
  let web: Pod;
  const large = randomBytes(LARGE_BYTES);

  before(async () => {
    node = await ServedNode.start();
    const { cluster } = node;
    const script = "mkdir -p /www; echo page > /www/index.html; head -c 67108864 /dev/urandom > /www/large; exec httpd -f -h /www -p 8080";
    const container = { name: "web", image: IMAGE, command: ["sh", "-c", script], ports: [{ containerPort: 8080 }] };
    await cluster.createPod("web", { containers: [container] });
    for (const minor of MINORS) {
      await cluster.createPod(`cat-${minor}`, { containers: [{ name: "cat", image: IMAGE, command: ["cat"], stdin: true, stdinOnce: true }] });
      await cluster.createPod(`shell-${minor}`, { containers: [{ name: "shell", image: IMAGE, command: ["sh"], stdin: true, tty: true }] });
    }
    web = await cluster.until("web", "ready", ready);
    await serviceOf(node, web);
  });
  after(() => node?.close());

  for (const minor of MINORS) describe(`kubectl 1.${minor}`, () => streams(minor, () => ({ node, web, large })));
});

interface World {
  readonly node: ServedNode;
  readonly web: Pod;
  readonly large: Buffer;
}

function streams(minor: (typeof MINORS)[number], world: () => World): void {
  let user: KubectlUser;
  const children = new Set<ChildProcess>();
  before(() => void (user = new KubectlUser(world().node.cluster.server, minor, "default")));
  after(() => {
    for (const child of children) child.kill("SIGKILL");
    user?.close();
  });
  const start = (...words: string[]) => {
    const child = spawn(kubectlPath(minor), words, { cwd: user.folder, env: user.env });
    children.add(child);
    child.once("close", () => children.delete(child));
    return child;
  };
  const exec = (...command: string[]) => user.run(["exec", "web", "--", ...command]);

  test(`kubectl 1.${minor} exec gives both outputs and the exit code`, async () => {
    const { code, stdout, stderr } = await exec("sh", "-c", "echo out; echo err >&2; exit 3");
    assert.deepEqual([code, stdout], [3, "out\n"]);
    assert.match(stderr, /^err\n/m);
    assert.match(stderr, /command terminated with exit code 3/);
  });

  test(`kubectl 1.${minor} exec says that a program is not there`, async () => {
    const { code, stderr } = await exec("nope");
    assert.notEqual(code, 0);
    assert.match(stderr, /exec: "nope": executable file not found in \$PATH/);
  });

  test(`kubectl 1.${minor} exec ends when its input does`, async () => {
    const { code, stdout } = await user.run(["exec", "-i", "web", "--", "cat"], { input: "hello\n" });
    assert.deepEqual([code, stdout], [0, "hello\n"]);
  });

  test(`kubectl 1.${minor} exec carries 64 MiB both ways at once`, async () => {
    const { large } = world();
    const child = start("exec", "-i", "web", "--", "cat");
    child.stdin.end(large);
    const back = await buffer(child.stdout);
    assert.equal(back.length, large.length);
    assert.equal(sha256(back), sha256(large));
  });

  test(`kubectl 1.${minor} exec gives a slow reader all, and holds up nobody else`, async () => {
    const child = start("exec", "web", "--", "cat", "/www/large");
    await once(child.stdout, "readable"); // it has begun; from now on nobody reads
    const { stdout } = await exec("sha256sum", "/www/large");
    assert.equal(sha256(await buffer(child.stdout)), stdout.split(" ")[0]);
  });

  test(`kubectl 1.${minor} exec on a terminal has its size, follows it, and ends with the command's code`, async () => {
    // The change comes when the command has seen the first size: kubectl drops one while another is under way.
    const go = join(user.folder, "go");
    const until = (size: string) => `i=0; until [ "$(stty size 2>/dev/null)" = "${size}" ] || [ $((i += 1)) -gt 1500 ]; do usleep 20000; done; stty size`;
    const remote = `${until("33 111")}; ${until("33 120")}; exit 5`;
    const resize = `(until [ -e ${go} ]; do sleep 0.1; done; stty cols 120 </dev/tty)`;
    const command = `${resize} & stty rows 33 cols 111; ${kubectlPath(minor)} exec -it web -- sh -c '${remote}'`;
    const child = spawn("script", ["-qec", command, "/dev/null"], { env: user.env, stdio: ["pipe", "pipe", "inherit"] });
    const closed = once(child, "close") as Promise<[number]>;
    let said = "";
    for await (const chunk of child.stdout.setEncoding("utf8")) {
      said += chunk;
      if (said.includes("33 111")) writeFileSync(go, "");
    }
    const [code] = await closed;
    assert.match(said, /^33 111\s+33 120\s/);
    assert.equal(code, 5);
  });

  test(`kubectl 1.${minor} cp copies files and folders both ways`, async () => {
    const { large } = world();
    const folder = join(user.folder, "folder");
    mkdirSync(join(folder, "inner"), { recursive: true });
    writeFileSync(join(folder, "large"), large.subarray(0, 8 * MIB));
    writeFileSync(join(folder, "inner/small"), "x\n");
    assert.equal((await user.run(["cp", "folder", `web:/tmp/copied-${minor}`])).code, 0);
    assert.equal((await exec("sha256sum", `/tmp/copied-${minor}/large`)).stdout.split(" ")[0], sha256(large.subarray(0, 8 * MIB)));
    assert.equal((await user.run(["cp", `web:/tmp/copied-${minor}`, "back"])).code, 0);
    assert.ok(readFileSync(join(user.folder, "back/large")).equals(large.subarray(0, 8 * MIB)));
    assert.equal(readFileSync(join(user.folder, "back/inner/small"), "utf8"), "x\n");
  });

  test(`kubectl 1.${minor} attach joins the main process, whose input ends with the client's`, async () => {
    await world().node.cluster.until(`cat-${minor}`, "ready", ready);
    const { stdout, stderr } = await user.run(["attach", "-i", `cat-${minor}`], { input: "to the cat\n" });
    assert.match(stdout, /to the cat\n/, stderr);
    const { cluster } = node();
    await cluster.until(`cat-${minor}`, "restarted", ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
  });

  test(`kubectl 1.${minor} attach on a terminal leaves it running`, async () => {
    await node().cluster.until(`shell-${minor}`, "ready", ready);
    const child = spawn("script", ["-qec", `${kubectlPath(minor)} attach -it shell-${minor}`, "/dev/null"], {
      env: user.env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    let said = "";
    child.stdin.write("echo $((6 * 7))\n");
    for await (const chunk of child.stdout.setEncoding("utf8")) {
      said += chunk;
      if (/^42\r$/m.test(said)) break;
    }
    child.kill("SIGKILL");
    assert.match((await user.run(["get", "pod", `shell-${minor}`])).stdout, /Running +0 /);
  });

  test(`kubectl 1.${minor} port-forward carries 64 MiB, many connections at once, and tells of refused ones`, async () => {
    const child = start("port-forward", "pod/web", ":8080", ":9");
    const [open, closed] = await forwarded(child, 2);
    const { stdout } = await exec("sha256sum", "/www/large");
    const [body, ...pages] = await Promise.all([
      fetched(`http://127.0.0.1:${open}/large`),
      ...Array.from({ length: 20 }, () => fetched(`http://127.0.0.1:${open}/`)),
    ]);
    assert.equal(sha256(body), stdout.split(" ")[0]);
    for (const page of pages) assert.equal(page.toString(), "page\n");
    const complaint = once(child.stderr.setEncoding("utf8"), "data") as Promise<[string]>;
    await assert.rejects(fetch(`http://127.0.0.1:${closed}/`));
    assert.match((await complaint)[0], /error forwarding port 9 to pod .*connection refused/);
  });

  test(`kubectl 1.${minor} proxy reaches pods, services and nodes`, async () => {
    const child = start("proxy", "--port=0");
    const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
    const root = `http://${/127\.0\.0\.1:\d+/.exec(line)![0]}/api/v1`;
    const page = async (path: string) => (await fetched(`${root}/${path}`)).toString();
    assert.equal(await page("namespaces/default/pods/web/proxy/"), "page\n");
    assert.equal(await page("namespaces/default/pods/http:web:8080/proxy/index.html"), "page\n");
    assert.equal(await page("namespaces/default/services/web:http/proxy/"), "page\n");
    assert.equal(await page("namespaces/default/services/web:80/proxy/"), "page\n");
    assert.equal(await page(`nodes/${NODE}/proxy/healthz`), "ok");
  });

  test(`kubectl 1.${minor} debug adds a container to a pod that runs, and speaks with it`, async () => {
    const words = ["debug", "-i", "web", `--image=${IMAGE}`, "-c", `debug-${minor}`, "--target=web", "--", "sh", "-c", "read x; echo got $x"];
    const child = start(...words);
    child.stdin.write("it\n"); // it stays open: with the end of its input, kubectl leaves a container that is not stdinOnce
    const said = await text(child.stdout);
    assert.match(said, /got it\n/);
    const pod = await node().cluster.until("web", "done with it", ({ status }) => {
      const found = status?.ephemeralContainerStatuses?.find(({ name }) => name === `debug-${minor}`);
      return found?.state?.terminated !== undefined;
    });
    assert.equal(pod.status?.phase, "Running");
  });

  test(`kubectl 1.${minor} logs are followed`, async () => {
    const child = start("logs", "-f", `shell-${minor}`);
    let said = "";
    for await (const chunk of child.stdout.setEncoding("utf8")) {
      said += chunk as string;
      if (/\S/.test(said)) break;
    }
    assert.match(said, /\S/);
    child.kill();
  });

  const node = () => world().node;
}

/** The local ports that port-forward took, once it listens on all. Its output is read on: it would end without a reader. */
function forwarded(child: ChildProcess, count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      const ports = [...said.matchAll(/^Forwarding from 127\.0\.0\.1:(\d+) ->/gm)].map(([, port]) => port!);
      if (ports.length === count) resolve(ports);
    });
    child.once("close", () => reject(new Error(`port-forward ended: ${said}`)));
  });
}

async function fetched(url: string): Promise<Buffer> {
  const answer = await fetch(url, { headers: { connection: "close" } });
  const body = Buffer.from(await answer.arrayBuffer());
  assert.equal(answer.status, 200, `${url}: ${body.toString("utf8", 0, 500)}`);
  return body;
}

async function serviceOf({ cluster }: ServedNode, pod: Pod): Promise<void> {
  const metadata = { namespace: "default", name: "web" };
  await cluster.client.create(SERVICES, { metadata, spec: { ports: [{ name: "http", port: 80, targetPort: 8080 }] } } as never);
  const targetRef = { kind: "Pod", namespace: "default", name: pod.metadata.name, uid: pod.metadata.uid };
  const subsets = [{ addresses: [{ ip: pod.status?.podIP, targetRef }], ports: [{ name: "http", port: 8080 }] }];
  await cluster.client.create(ENDPOINTS, { metadata, subsets } as never);
}
