/** The same rows on an etcd of three members with client certificates; and then that etcd is killed under it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { type Etcd, startEtcd } from "#test/etcd/etcd.ts";
import { testPki } from "#test/pki/test-pki.ts";
import { startTestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { walkthrough } from "./support/walkthrough.ts";

const folder = mkdtempSync(join(tmpdir(), "skiff-e2e-etcd-"));
let etcd: Etcd | undefined;
const cluster = walkthrough(async () => startTestCluster(["--datastore-endpoint", ...(await startDatastore())]));
after(async () => {
  await etcd?.stop();
  rmSync(folder, { recursive: true });
});

async function startDatastore(): Promise<string[]> {
  const pki = await testPki();
  etcd = await startEtcd({ members: 3, tls: pki });
  const { cert, key } = await pki.client("skiff");
  const files = Object.entries({ cafile: pki.ca, certfile: cert, keyfile: key }).flatMap(([name, pem]) => {
    const path = join(folder, name);
    writeFileSync(path, pem);
    return [`--datastore-${name}`, path];
  });
  return [etcd.endpoints.join(","), ...files];
}

test("etcd is killed while objects are created: those that were acknowledged are there, and the cluster goes on by itself", async (context) => {
  const { kubectl, kubectlText } = cluster();
  const created: string[] = [];
  let stop = false;
  context.after(() => void (stop = true));
  const writing = (async () => {
    for (let i = 0; !stop; i++) if ((await kubectl("create", "configmap", `c${i}`)).code === 0) created.push(`configmap/c${i}`);
  })();
  await eventually(async () => assert.ok(created.length > 3));
  await Promise.all(etcd!.members.map((member) => member.kill()));
  assert.match(await kubectlText("get", "nodes"), / Ready /, "reads go on");
  await eventually(async () => assert.match((await kubectl("get", "--raw", "/readyz")).stderr, /\[-\]etcd failed/));
  await Promise.all(etcd!.members.map((member) => member.start()));
  const before = created.length;
  await eventually(async () => assert.ok(created.length > before + 3));
  stop = true;
  await writing;
  const found = (await kubectlText("get", "configmaps", "-o", "name")).split("\n");
  assert.deepEqual(
    created.filter((name) => !found.includes(name)),
    [],
  );
  await eventually(async () => assert.equal(await kubectlText("get", "--raw", "/readyz"), "ok"));
  await kubectlText("run", "after", "--image=busybox:1.36", "--restart=Never", "--", "true");
  await eventually(async () => assert.match(await kubectlText("get", "pod", "after"), /Completed/));
});

test("the cluster moves out of etcd into the embedded database, and goes on with the same objects and revisions", async () => {
  const { kubectlText, skiff } = cluster();
  const shown = () =>
    kubectlText("get", "configmaps,services,serviceaccounts", "-A", "-o", "custom-columns=:.metadata.namespace,:.metadata.name,:.metadata.uid");
  const versions = () => kubectlText("get", "configmaps", "-o", "custom-columns=:.metadata.name,:.metadata.resourceVersion", "--no-headers");
  const before = [await shown(), await versions()];
  for (const [verb, ...words] of [
    ["down", "--quiet"],
    ["datastore", "migrate", "--from", "etcd", "--to", "embedded"],
    ["up", "--quiet", "--datastore-endpoint=", "--datastore-cafile=", "--datastore-certfile=", "--datastore-keyfile="],
  ]) {
    const { code, stderr } = await skiff(verb!, ...words);
    assert.equal(code, 0, `${verb}: ${stderr}`);
  }
  await Promise.all(etcd!.members.map((member) => member.kill()));
  assert.deepEqual([await shown(), await versions()], before);
  await kubectlText("run", "moved", "--image=busybox:1.36", "--restart=Never", "--", "true");
  await eventually(async () => assert.match(await kubectlText("get", "pod", "moved"), /Completed/));
});
