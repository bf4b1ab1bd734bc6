/** What a decision costs: who may do what, with 1,000 and 10,000 bindings, and what an access to a pod's secrets costs a node. */
import { clusterAuthorizer } from "#apiserver/authz/cluster-authorizer.ts";
import { RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { asked, TestPolicy, userNamed } from "#apiserver/authz/testing/policy.ts";
import { benchmark } from "./support/benchmark.ts";
import type { Row } from "./support/row.ts";

const DECISIONS = 200_000;
const PODS_OF_NODE = 110;
const rows: Row[] = [];

await benchmark(async () => {
  for (const bindings of [1000, 10_000]) await rbac(bindings);
  await node();
  return rows;
});

async function rbac(bindings: number): Promise<void> {
  const policy = await TestPolicy.open();
  const authorizer = clusterAuthorizer(policy.cache, new RbacIndex(policy.cache));
  for (let i = 0; i < bindings / 10; i++) await policy.role("", `r${i}`, { verbs: ["get", "list"], apiGroups: [""], resources: ["configmaps", "pods"] });
  for (let i = 0; i < bindings; i++) {
    const namespace = i % 2 === 0 ? "" : `ns${i % 50}`;
    await policy.bind(namespace, `b${i}`, `ClusterRole/r${i % (bindings / 10)}`, { kind: "User", name: `user${i}` });
  }
  await policy.role("", "discovery", { verbs: ["get"], nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*"] });
  await policy.bind("", "everyone", "ClusterRole/discovery", { kind: "Group", name: "system:authenticated" });
  const first = userNamed(`user${bindings / 2}`, "system:authenticated");
  measure(
    `${bindings} bindings: the first decision, which builds the index`,
    1,
    () => void authorizer.authorize(asked(first, "get", "pods", { namespace: "ns1" })),
  );
  measure(`${bindings} bindings: allowed`, DECISIONS, () => {
    const question = asked(first, "get", "pods", { namespace: "ns1", name: "p" });
    for (let i = 0; i < DECISIONS; i++) if (!authorizer.authorize(question).allowed) throw new Error("must be allowed");
  });
  measure(`${bindings} bindings: refused`, DECISIONS, () => {
    const question = asked(first, "delete", "pods", { namespace: "ns1", name: "p" });
    for (let i = 0; i < DECISIONS; i++) if (authorizer.authorize(question).allowed) throw new Error("must be refused");
  });
  policy.cache.close();
}

async function node(): Promise<void> {
  const policy = await TestPolicy.open();
  const authorizer = clusterAuthorizer(policy.cache, new RbacIndex(policy.cache));
  const volumes = (i: number) => [{ name: "s", secret: { secretName: `s${i}` } }];
  for (let i = 0; i < PODS_OF_NODE; i++)
    await policy.put("", "pods", "a", `p${i}`, { spec: { nodeName: "n1", containers: [{ name: "c" }], volumes: volumes(i) } });
  const n1 = userNamed("system:node:n1", "system:nodes", "system:authenticated");
  for (const [what, name, allowed] of [
    ["a secret of its pods", `s${PODS_OF_NODE - 1}`, true],
    ["another one", "none", false],
  ] as const) {
    measure(`a node with ${PODS_OF_NODE} pods asks for ${what}`, DECISIONS / 10, () => {
      const question = asked(n1, "get", "secrets", { namespace: "a", name });
      for (let i = 0; i < DECISIONS / 10; i++) if (authorizer.authorize(question).allowed !== allowed) throw new Error("wrong decision");
    });
  }
  policy.cache.close();
}

/** By processor time: other programs of the machine count less. */
function measure(what: string, times: number, run: () => void): void {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  rows.push({ what: `authorization, ${what}`, value: (user + system) / times, unit: "µs" });
}
