import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { after, before, test } from "node:test";

import { type ExtensionServer, GROUP, startExtensionServer, VERSION } from "#test/aggregation/extension-server.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";
import { kubectlPath } from "#test/e2e/support/kubectl.ts";

import { KubectlUser } from "./kubectl-user.ts";

/** The oldest and the newest kubectl: the one discovers group by group, the other all at once. */
const MINORS = [22, 35] as const;
const flunder = (name: string) => ({ apiVersion: `${GROUP}/${VERSION}`, kind: "Flunder", metadata: { name }, spec: { reference: "x" } });

let server: TestServer;
let extension: ExtensionServer;
let users: readonly KubectlUser[];

async function done(user: KubectlUser, words: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await user.run(words, { input });
  assert.equal(code, 0, `kubectl ${words.join(" ")}\n${stderr}`);
  return stdout;
}

before(async () => {
  server = await startTestServer();
  users = MINORS.map((minor) => new KubectlUser(server, minor, "default"));
  const admin = users.at(-1)!;
  const map = JSON.parse(await done(admin, ["get", "configmap", "extension-apiserver-authentication", "-n", "kube-system", "-o", "json"])) as {
    data: Record<string, string>;
  };
  extension = await startExtensionServer(await server.pki.serving("wardle.default.svc"), map.data);
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "wardle", namespace: "default" },
    spec: { type: "ExternalName", externalName: "localhost" },
  };
  const apiService = {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: `${VERSION}.${GROUP}` },
    spec: {
      group: GROUP,
      version: VERSION,
      groupPriorityMinimum: 2000,
      versionPriority: 10,
      caBundle: Buffer.from(server.ca).toString("base64"),
      service: { name: "wardle", namespace: "default", port: extension.port },
    },
  };
  for (const object of [service, apiService]) await done(admin, ["create", "-f", "-"], JSON.stringify(object));
  await done(admin, ["wait", `apiservice/${VERSION}.${GROUP}`, "--for=condition=Available", "--timeout=60s"]);
});
after(async () => {
  for (const user of users ?? []) user.close();
  await extension?.close();
  await server?.close();
});

for (const [i, minor] of MINORS.entries()) {
  test(`kubectl 1.${minor} finds, makes, lists and deletes an extension server's objects`, async () => {
    const user = users[i]!;
    const name = `by-${minor}`;
    assert.match(await done(user, ["get", "apiservices", `${VERSION}.${GROUP}`]), new RegExp(`^${VERSION}.${GROUP} +default/wardle +True `, "m"));
    assert.match(await done(user, ["api-resources", `--api-group=${GROUP}`]), new RegExp(`^flunders +fl +${GROUP}/${VERSION} +true +Flunder$`, "m"));
    assert.match(await done(user, ["api-versions"]), new RegExp(`^${GROUP}/${VERSION}$`, "m"));
    assert.match(await done(user, ["create", "-f", "-"], JSON.stringify(flunder(name))), new RegExp(`^flunder.${GROUP}/${name} created$`, "m"));
    assert.equal(await done(user, ["get", "fl", name, "-o", "jsonpath={.spec.reference}"]), "x");
    assert.match(await done(user, ["get", "flunders"]), new RegExp(`^${name} `, "m"));
    // Documents of other servers are taken in when those have the time.
    let explained = "";
    while (!explained.includes("What it refers to.")) explained = (await user.run(["explain", "flunders.spec.reference"])).stdout;
    assert.match(await done(user, ["delete", "flunder", name]), new RegExp(`^flunder.${GROUP} "${name}" deleted`, "m"));
    const { code, stderr } = await user.run(["get", "flunder", name]);
    assert.deepEqual([code, stderr], [1, `Error from server (NotFound): flunders.${GROUP} "${name}" not found\n`]);
  });
}

test("kubectl get --watch sees an extension server's object come", async () => {
  const user = users.at(-1)!;
  const watch: ChildProcess = spawn(kubectlPath(35), ["get", "flunders", "--watch", "-o", "name"], { env: user.env, stdio: ["ignore", "pipe", "inherit"] });
  let seen = "";
  const told = new Promise<void>((resolve) => {
    watch.stdout!.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes("/watched")) resolve();
    });
  });
  try {
    await done(user, ["create", "-f", "-"], JSON.stringify(flunder("watched")));
    await told;
    assert.match(seen, new RegExp(`^flunder.${GROUP}/watched$`, "m"));
  } finally {
    watch.kill();
  }
});

test("who may not list an extension server's objects is told so", async () => {
  const { code, stderr } = await users.at(-1)!.run(["get", "flunders", "--as=jane"]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`flunders.${GROUP} is forbidden: User "jane" cannot list resource "flunders" in API group "${GROUP}"`));
});
