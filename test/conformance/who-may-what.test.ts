import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type ControlPlane, startControlPlane } from "#test/golden-controllers/control-plane.ts";

import { KubectlUser } from "./kubectl-user.ts";

let plane: ControlPlane;
let admin: KubectlUser;
/** Asks as the account `lister`, with a token of its own. */
let asLister: readonly string[];

const NS = "who";
const BINDING_SECONDS = 10;

const run = (...words: readonly string[]) => admin.run(words);

async function done(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await admin.run(words);
  assert.equal(code, 0, `kubectl ${words.join(" ")}\n${stderr}`);
  return stdout;
}

before(async () => {
  plane = await startControlPlane();
  admin = new KubectlUser(plane, 35, NS);
  await done("create", "namespace", NS);
  await done("wait", "--for=create", `--timeout=${BINDING_SECONDS}s`, "serviceaccount/default");
  await done("create", "serviceaccount", "lister");
  await done("create", "role", "pod-lister", "--verb=list", "--resource=pods");
  await done("create", "rolebinding", "pod-lister", "--role=pod-lister", `--serviceaccount=${NS}:lister`);
  const token = (await done("create", "token", "lister")).trim();
  admin.write("ca.crt", plane.ca);
  asLister = ["--kubeconfig=/dev/null", `--server=${plane.url}`, "--certificate-authority=ca.crt", `--token=${token}`, `--namespace=${NS}`];
});
after(async () => {
  admin?.close();
  await plane?.close();
});

test("an account that may list pods lists pods, and nothing else", async () => {
  assert.match((await run("get", "pods", ...asLister)).stderr, /^No resources found/);
  for (const { words, told } of [
    {
      words: ["get", "pod", "p"],
      told: 'pods "p" is forbidden: User "system:serviceaccount:who:lister" cannot get resource "pods" in API group "" in the namespace "who"',
    },
    { words: ["delete", "pods", "p"], told: 'pods "p" is forbidden: User "system:serviceaccount:who:lister" cannot delete resource "pods"' },
    { words: ["get", "secrets"], told: 'secrets is forbidden: User "system:serviceaccount:who:lister" cannot list resource "secrets"' },
    {
      words: ["get", "pods", "-A"],
      told: 'pods is forbidden: User "system:serviceaccount:who:lister" cannot list resource "pods" in API group "" at the cluster scope',
    },
    { words: ["get", "--raw", "/metrics"], told: 'forbidden: User "system:serviceaccount:who:lister" cannot get path "/metrics"' },
  ]) {
    const { code, stderr } = await run(...words, ...asLister);
    assert.equal(code, 1);
    assert.ok(stderr.startsWith(`Error from server (Forbidden): ${told}`), stderr);
  }
});

test("kubectl auth can-i --list tells what an account may, whoami who it is", async () => {
  const list = await done("auth", "can-i", "--list", ...asLister);
  assert.match(list, /^pods +\[\] +\[\] +\[list\]$/m);
  assert.match(list, /^selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]$/m);
  assert.match(list, /\[\/openid\/v1\/jwks\] +\[\] +\[get\]$/m);
  assert.doesNotMatch(list, /secrets/);
  const me = await done("auth", "whoami", ...asLister);
  assert.match(me, /^Username +system:serviceaccount:who:lister$/m);
  assert.match(me, /^Groups +\[system:serviceaccounts system:serviceaccounts:who system:authenticated\]$/m);
});

test("--as shows what somebody may once a role is bound to him, and asks for the right to say so", async () => {
  assert.equal((await run("get", "configmaps", "--as=jane")).code, 1);
  await done("create", "rolebinding", "jane", "--clusterrole=view", "--user=jane");
  await done("wait", "clusterrole/view", "--for=jsonpath={.rules[0].verbs[0]}", `--timeout=${BINDING_SECONDS}s`);
  assert.match(await done("get", "configmaps", "--as=jane"), /kube-root-ca\.crt/);
  assert.equal((await run("auth", "can-i", "get", "secrets", "--as=jane")).stdout, "no\n");
  const refused = await run("get", "pods", "--as=jane", ...asLister);
  assert.match(
    refused.stderr,
    /users "jane" is forbidden: User "system:serviceaccount:who:lister" cannot impersonate resource "users" in API group "" at the cluster scope/,
  );
});

test("nobody gives away more than he has", async () => {
  await done("create", "rolebinding", "joe", "--clusterrole=admin", "--user=joe");
  await done("wait", "clusterrole/admin", "--for=jsonpath={.rules[0].verbs[0]}", `--timeout=${BINDING_SECONDS}s`);
  await done("create", "role", "mine", "--verb=get,list", "--resource=secrets", "--as=joe");
  const role = await run("create", "role", "more", "--verb=get", "--resource=nodes", "--as=joe");
  const why = 'user "joe" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:';
  assert.ok(
    role.stderr.includes(`roles.rbac.authorization.k8s.io "more" is forbidden: ${why}\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}`),
    role.stderr,
  );
  const binding = await run("create", "rolebinding", "more", "--clusterrole=cluster-admin", "--user=joe", "--as=joe");
  assert.ok(binding.stderr.includes(`rolebindings.rbac.authorization.k8s.io "more" is forbidden: ${why}`), binding.stderr);
});

test("kubectl auth reconcile adds what is missing, and then finds nothing to do", async () => {
  const rule = { apiGroups: [""], resources: ["configmaps"], verbs: ["get"] };
  admin.write(
    "role.json",
    JSON.stringify({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name: "pod-lister", namespace: NS }, rules: [rule] }),
  );
  const before = (await done("get", "role", "pod-lister", "-o", "jsonpath={.metadata.resourceVersion}")).trim();
  assert.match((await run("auth", "reconcile", "-f", "role.json")).stdout, /^role\.rbac\.authorization\.k8s\.io\/pod-lister reconciled/);
  const rules = await done("get", "role", "pod-lister", "-o", "jsonpath={.rules[*].resources}");
  assert.equal(rules, '["pods"] ["configmaps"]');
  const after = await done("get", "role", "pod-lister", "-o", "jsonpath={.metadata.resourceVersion}");
  assert.notEqual(after, before);
  await done("auth", "reconcile", "-f", "role.json");
  assert.equal(await done("get", "role", "pod-lister", "-o", "jsonpath={.metadata.resourceVersion}"), after);
});

test("the token of a Secret of its type is an account's, until the Secret is deleted", async () => {
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "lister-token", annotations: { "kubernetes.io/service-account.name": "lister" } },
    type: "kubernetes.io/service-account-token",
  };
  assert.equal((await admin.run(["create", "-f", "-"], { input: JSON.stringify(secret) })).code, 0);
  await done("wait", "--for=jsonpath={.data.token}", `--timeout=${BINDING_SECONDS}s`, "secret/lister-token");
  const token = Buffer.from(await done("get", "secret", "lister-token", "-o", "jsonpath={.data.token}"), "base64").toString();
  const as = [...asLister.filter((word) => !word.startsWith("--token=")), `--token=${token}`];
  assert.match((await run("get", "pods", ...as)).stderr, /^No resources found/);
  await done("wait", "--for=jsonpath={.metadata.labels.kubernetes\\.io/legacy-token-last-used}", `--timeout=${BINDING_SECONDS}s`, "secret/lister-token");
  await done("delete", "secret", "lister-token");
  assert.match((await run("get", "pods", ...as)).stderr, /^error: You must be logged in to the server/);
});
