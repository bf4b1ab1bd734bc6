import { after, before, test } from "node:test";

import { checkRow, type Row, row } from "#test/conformance/rows.ts";

import { BUDGET_STATUS, cordoning, creating, daemonPod, draining, nodeFiles, refusing, tainting } from "./node-rows.ts";
import { startTestCluster, type TestCluster } from "./support/cluster.ts";
import { KUBECTL_MINORS, type KubectlMinor } from "./support/kubectl.ts";
import { userOf } from "./support/users.ts";

let cluster: TestCluster;
let node: string;
before(async () => {
  cluster = await startTestCluster();
  node = await cluster.kubectlText("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
});
after(() => cluster?.destroy());

/** Those between do not try what is refused, nor taints. */
const WHOLE: readonly KubectlMinor[] = [22, 28, 35];
/** For some forty commands, however slow the machine is. */
const LIMIT_MS = 300_000;

for (const minor of KUBECTL_MINORS) {
  test(`kubectl 1.${minor} cordons, drains${WHOLE.includes(minor) ? " and taints" : ""} the node, and gives it back`, {
    timeout: LIMIT_MS,
  }, async (context) => {
    const namespace = `k${minor}`;
    const user = userOf(cluster, minor, namespace);
    context.after(() => user.close());
    const follow = async (rows: readonly Row[]) => {
      for (const row of rows) await checkRow(row, user);
    };
    for (const [name, content] of Object.entries(nodeFiles(namespace))) user.write(name, content);
    await follow(cordoning(namespace, node));
    const { stdout: uid } = await user.run(["get", "daemonset", "daemon", "-o", "jsonpath={.metadata.uid}"]);
    user.write("daemon.yaml", daemonPod(uid));
    await follow(creating);
    if (WHOLE.includes(minor)) {
      await makeBudget(namespace);
      await follow(refusing(namespace, node));
    }
    await follow(draining(namespace, node));
    if (WHOLE.includes(minor)) await follow(tainting(namespace, node));
    await follow([row("delete of the namespace", `delete namespace ${namespace} --timeout=110s`, /deleted/)]);
  });
}

/** By the newest kubectl: older ones cannot write a status. */
async function makeBudget(namespace: string): Promise<void> {
  await cluster.kubectlText("create", "pdb", "web", "-n", namespace, "--selector=app=web", "--min-available=2");
  await cluster.kubectlText("patch", "pdb", "web", "-n", namespace, "--subresource=status", "--type=merge", "-p", JSON.stringify({ status: BUDGET_STATUS }));
}
