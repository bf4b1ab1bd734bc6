import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { clusterProcesses, isAlive } from "#cli/processes.ts";
import type { KubectlUser } from "#test/conformance/kubectl-user.ts";
import { checkRow } from "#test/conformance/rows.ts";

import { failing, growing, SITE } from "./helm-rows.ts";
import { startTestCluster, type TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { userOf } from "./support/users.ts";

let cluster: TestCluster;
let user: KubectlUser;
before(async () => {
  cluster = await startTestCluster();
  user = userOf(cluster, 35, "site");
});
after(async () => {
  user?.close();
  await cluster?.destroy();
});

for (const row of growing) test(`${row.program}: ${row.name}`, () => checkRow(row, user));

test("helm: a hook waits for the one before it", async () => {
  const run = ".status.containerStatuses[0].state.terminated";
  const path = `jsonpath={range .items[*]}{${run}.startedAt} {${run}.finishedAt} {end}`;
  const [, firstFinished = "", secondStarted = ""] = (await user.run(["get", "pod", "site-first", "site-second", "-o", path])).stdout.split(" ");
  assert.ok(firstFinished !== "" && firstFinished <= secondStarted, `${firstFinished} ${secondStarted}`);
});

test("helm: upgrade --wait outlives kill -9 of the server", async () => {
  const upgrade = user.helm(["upgrade", "site", SITE, "--reuse-values", "--set", "patience=4", "--wait", "--timeout", "110s"]);
  const delays = "jsonpath={.items[*].spec.template.spec.containers[0].readinessProbe.initialDelaySeconds}";
  await eventually(async () => assert.match((await user.run(["get", "rs", "-o", delays])).stdout, /4/)); // the new pods are coming
  const servers = clusterProcesses(cluster.dataDir).filter(({ role }) => role === "server");
  assert.ok(servers.length > 0);
  for (const { pid } of servers) process.kill(pid, "SIGKILL");
  await eventually(() => assert.ok(!servers.some(isAlive)));
  const { code, stdout, stderr } = await upgrade;
  assert.deepEqual([code, /STATUS: deployed\nREVISION: 3\n/.test(stdout)], [0, true], stdout + stderr);
  assert.equal((await user.run(["get", "deploy", "site", "-o", "jsonpath={.status.updatedReplicas} {.status.availableReplicas}"])).stdout, "2 2");
  assert.match((await user.helm(["history", "site", "--max", "1", "-o", "json"])).stdout, /"revision":3,.*"status":"deployed"/);
});

for (const row of failing) test(`${row.program}: ${row.name}`, () => checkRow(row, user));
