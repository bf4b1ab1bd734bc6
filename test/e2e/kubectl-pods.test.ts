import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";

import type { KubectlUser } from "#test/conformance/kubectl-user.ts";
import { checkRow } from "#test/conformance/rows.ts";

import { podFiles, podRows } from "./pod-rows.ts";
import { startTestCluster, type TestCluster } from "./support/cluster.ts";
import { KUBECTL_MINORS, type KubectlMinor, kubectlPath } from "./support/kubectl.ts";
import { request } from "./support/steady-client.ts";
import { userOf } from "./support/users.ts";

/** As many at once as the machine has processors, on the smallest that we ask for. */
const AT_ONCE = 2;
/** For some fifty commands, however slow the machine is. */
const LIMIT_MS = 300_000;

let cluster: TestCluster;
let node: string;
before(async () => {
  cluster = await startTestCluster();
  node = await cluster.kubectlText("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
});
after(() => cluster?.destroy());

describe("kubectl with pods that run", { concurrency: AT_ONCE }, () => {
  for (const minor of KUBECTL_MINORS) test(`kubectl 1.${minor} with pods that run`, { timeout: LIMIT_MS }, () => withPods(minor));
});

async function withPods(minor: KubectlMinor): Promise<void> {
  const namespace = `k${minor}`;
  const user = userOf(cluster, minor, namespace);
  try {
    for (const [name, content] of Object.entries(podFiles)) user.write(name, content);
    for (const { since = 0, ...row } of podRows(namespace, node)) if (since <= minor) await checkRow(row, user);
    await checkForward(user);
    await checkTerminal(user);
    await checkRow({ name: "the end", program: "kubectl", words: ["delete", "namespace", namespace, "--timeout=110s"] }, user);
  } finally {
    user.close();
  }
}

/** A pod's program answers by way of `kubectl port-forward`. */
async function checkForward(user: KubectlUser): Promise<void> {
  const child = spawn(kubectlPath(user.minor), ["port-forward", "deploy/web", ":80"], {
    cwd: user.folder,
    env: user.env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    assert.match(await request(`http://127.0.0.1:${await forwardedPort(child)}/`), /release 1\.7\.9/);
  } finally {
    child.kill("SIGKILL");
  }
}

/** The local port, once it listens. Its output is read on: it would end without a reader. */
function forwardedPort(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      const port = /^Forwarding from 127\.0\.0\.1:(\d+) -> 80$/m.exec(said)?.[1];
      if (port !== undefined) resolve(port);
    });
    child.once("close", () => reject(new Error(`port-forward ended: ${said}`)));
  });
}

/** `kubectl exec -it` on a real terminal: the program sees one, and kubectl ends with its code. */
async function checkTerminal({ minor, folder, env }: KubectlUser): Promise<void> {
  const command = `${kubectlPath(minor)} exec -it talker -c side -- sh -c 'test -t 0 && exit 7'`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: folder, env, stdio: ["pipe", "ignore", "inherit"] });
  assert.equal(await new Promise((resolve) => child.once("close", resolve)), 7);
}
