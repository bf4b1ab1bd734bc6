import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";

import { eventually } from "#test/e2e/support/eventually.ts";
import { kubectlPath } from "#test/e2e/support/kubectl.ts";
import { type ControlPlane, startControlPlane } from "#test/golden-controllers/control-plane.ts";

import { KubectlUser } from "./kubectl-user.ts";

/** The oldest and the newest: one asks for discovery version by version, the other for all at once. */
const MINORS = [22, 35] as const;

const podTemplate = `
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
        - name: nginx
          image: nginx:1.7.9
`;
const deployment = (apiVersion: string, spec = "") =>
  `apiVersion: ${apiVersion}\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 3\n${spec}${podTemplate}`;
const ROLLING = "  strategy:\n    type: RollingUpdate\n    rollingUpdate:\n      maxUnavailable: 1\n      maxSurge: 0\n";
const INGRESS = `apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  name: web
spec:
  backend:
    serviceName: fallback
    servicePort: 8080
  rules:
    - host: web.example
      http:
        paths:
          - path: /
            backend:
              serviceName: web
              servicePort: http
`;

const warningOf = (what: string, replacement: string, deprecated = "1.8", removed = "1.16") =>
  `Warning: ${what} is deprecated in v${deprecated}+, unavailable in v${removed}+; use ${replacement}`;

describe("versions that upstream has dropped", { concurrency: 2 }, () => {
  let plane: ControlPlane;
  before(async () => void (plane = await startControlPlane(undefined, { legacyApis: true })));
  after(() => plane?.close());

  for (const minor of MINORS) describe(`kubectl 1.${minor}`, { concurrency: 1 }, () => rows(minor, () => plane));
});

function rows(minor: (typeof MINORS)[number], plane: () => ControlPlane): void {
  let user: KubectlUser;
  before(async () => {
    user = new KubectlUser(plane(), minor);
    await run(`create ns ${user.namespace}`);
  });
  after(() => user?.close());

  const run = async (words: string, input = "") => {
    const said = await user.run(words.split(" "), { input });
    assert.equal(said.code, 0, `kubectl ${words}\n${said.stderr}`);
    return said;
  };
  const get = async (words: string) => JSON.parse((await run(`get ${words} -o json`)).stdout);
  const image = async () => (await get("deploy web")).spec.template.spec.containers[0].image as string;

  test(`kubectl 1.${minor} applies apps/v1beta1, is warned, and gets apps/v1`, async () => {
    const { stdout, stderr } = await run("apply -f -", deployment("apps/v1beta1"));
    assert.equal(stdout, "deployment.apps/web created\n");
    assert.ok(stderr.includes(warningOf("apps/v1beta1 Deployment", "apps/v1 Deployment")), stderr);
    const { stdout: yaml, stderr: none } = await run("get deploy -o yaml");
    assert.match(yaml, /^- apiVersion: apps\/v1$/m);
    assert.equal(none, "");
    const { metadata, spec } = await get("deploy web");
    assert.deepEqual([spec.revisionHistoryLimit, spec.selector, metadata.labels], [2, { matchLabels: { app: "nginx" } }, { app: "nginx" }]);
    assert.equal((await run("apply -f -", deployment("apps/v1beta1"))).stdout, "deployment.apps/web unchanged\n");
  });

  test(`kubectl 1.${minor} shows a deployment once, and in each version when it is named`, async () => {
    const { stdout } = await run("get all");
    assert.equal(stdout.match(/^deployment\./gm)?.length, 1, stdout);
    for (const [name, version] of [
      ["deployments.v1beta1.apps", "apps/v1beta1"],
      ["deployments.v1beta2.apps", "apps/v1beta2"],
      ["deployments.extensions", "extensions/v1beta1"],
    ] as const) {
      assert.equal((await get(`${name} web`)).apiVersion, version);
      assert.match((await run(`get ${name}`)).stdout, /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/3 /);
    }
  });

  test(`kubectl 1.${minor} rolls back by spec.rollbackTo`, async () => {
    await run("set image deploy/web nginx=nginx:1.9.1");
    await eventually(async () => assert.equal((await get("deploy web")).metadata.annotations["deployment.kubernetes.io/revision"], "2"));
    const { stderr } = await run('patch deployments.v1beta1.apps web --type=merge -p {"spec":{"rollbackTo":{"revision":1}}}');
    assert.ok(stderr.includes(warningOf("apps/v1beta1 Deployment", "apps/v1 Deployment")), stderr);
    await eventually(async () => assert.equal(await image(), "nginx:1.7.9"));
    await eventually(async () => assert.equal((await get("deployments.v1beta1.apps web")).spec.rollbackTo, undefined));
  });

  test(`kubectl 1.${minor} rolls back by the rollback subresource`, async () => {
    const path = `/apis/extensions/v1beta1/namespaces/${user.namespace}/deployments/web/rollback`;
    const rollback = { kind: "DeploymentRollback", apiVersion: "extensions/v1beta1", name: "web", rollbackTo: {} };
    const { stdout } = await run(`create --raw ${path} -f -`, JSON.stringify(rollback));
    assert.equal(JSON.parse(stdout).message, 'rollback request for deployment "web" succeeded');
    await eventually(async () => assert.equal(await image(), "nginx:1.9.1"));
    const wrong = await user.run(["create", "--raw", path, "-f", "-"], { input: JSON.stringify({ ...rollback, name: "other" }) });
    assert.match(wrong.stderr, /name in URL does not match name in DeploymentRollback object/);
  });

  test(`kubectl 1.${minor} scales in an old version`, async () => {
    await run("scale deployments.v1beta2.apps/web --replicas=2");
    const scale = JSON.parse((await run(`get --raw /apis/apps/v1beta2/namespaces/${user.namespace}/deployments/web/scale`)).stdout);
    assert.deepEqual(
      [scale.apiVersion, scale.spec, scale.status.selector, scale.status.targetSelector],
      ["apps/v1beta2", { replicas: 2 }, { app: "nginx" }, "app=nginx"],
    );
    assert.equal((await get("deploy web")).spec.replicas, 2);
  });

  test(`kubectl 1.${minor} watches in an old version`, async () => {
    const child = spawn(kubectlPath(minor), ["get", "deployments.extensions", "web", "-w", "-o", "jsonpath={.apiVersion} {.spec.paused}{'\\n'}"], {
      env: user.env,
    });
    let said = "";
    for await (const chunk of child.stdout.setEncoding("utf8")) {
      const isFirst = said === "";
      said += chunk;
      if (isFirst) await run("rollout pause deploy/web");
      if (said.includes("extensions/v1beta1 true")) break;
    }
    child.kill();
    assert.match(said, /extensions\/v1beta1 true/);
    await run("rollout resume deploy/web");
  });

  test(`kubectl 1.${minor} applies extensions/v1beta1 after a delete`, async () => {
    await run("delete deploy web");
    const { stdout, stderr } = await run("apply -f -", deployment("extensions/v1beta1", ROLLING));
    assert.equal(stdout, "deployment.extensions/web created\n");
    assert.ok(stderr.includes(warningOf("extensions/v1beta1 Deployment", "apps/v1 Deployment")), stderr);
    const { apiVersion, spec } = await get("deploy web");
    assert.deepEqual([apiVersion, spec.strategy.rollingUpdate, spec.progressDeadlineSeconds], ["apps/v1", { maxUnavailable: 1, maxSurge: 0 }, 2147483647]);
  });

  test(`kubectl 1.${minor} applies an Ingress of extensions/v1beta1, and gets networking.k8s.io/v1`, async () => {
    const { stderr } = await run("apply -f -", INGRESS);
    assert.ok(stderr.includes(warningOf("extensions/v1beta1 Ingress", "networking.k8s.io/v1 Ingress", "1.14", "1.22")), stderr);
    const { apiVersion, spec } = await get("ingress web");
    assert.equal(apiVersion, "networking.k8s.io/v1");
    assert.deepEqual(spec.defaultBackend, { service: { name: "fallback", port: { number: 8080 } } });
    assert.deepEqual(spec.rules[0].http.paths, [
      { path: "/", pathType: "ImplementationSpecific", backend: { service: { name: "web", port: { name: "http" } } } },
    ]);
    assert.deepEqual((await get("ingresses.extensions web")).spec.backend, { serviceName: "fallback", servicePort: 8080 });
  });

  test(`kubectl 1.${minor} is refused in the stored version's words`, async () => {
    const said = await user.run(["apply", "-f", "-"], {
      input: deployment("apps/v1beta1", "  selector: {matchLabels: {app: other}}\n").replace("name: web", "name: wrong"),
    });
    assert.match(said.stderr, /The Deployment "wrong" is invalid: spec\.template\.metadata\.labels: .*`selector` does not match template `labels`/);
    const absent = await user.run(["get", "deployments.extensions", "nothing"]);
    assert.match(absent.stderr, /deployments\.apps "nothing" not found/);
  });
}
