import assert from "node:assert/strict";
import { test } from "node:test";

import type { Loose } from "#test/webhooks/conversion-webhook.ts";
import { type Answer, call, CRDS, defined, definition, hook, open, PATIENCE_MS, pki, setUp, until, v1, v2 } from "#test/webhooks/converted-things.ts";
import { patchOf, startWebhook } from "#test/webhooks/webhook-server.ts";

setUp();

const sent = () => hook.asked.map(({ request }) => [request.desiredAPIVersion.split("/")[1], request.objects.length]);

test("an object is created, shown and changed in each version, and stored in one", async () => {
  const { group, v1: old, v2: other } = await defined();
  const created = await call("POST", other, v2(group, "a", "h", 1));
  assert.deepEqual([created.code, created.body["apiVersion"], created.body["spec"]], [201, `${group}/v2`, { host: "h", port: 1 }]);
  assert.deepEqual(sent(), [
    ["v1", 1],
    ["v2", 1],
  ]);
  assert.deepEqual((await call("GET", `${old}/a`)).body["spec"], { address: "h:1" });
  const patched = await call("PATCH", `${other}/a`, { spec: { port: 2 } }, "application/merge-patch+json");
  assert.deepEqual([patched.code, patched.body["spec"], patched.body["metadata"].generation], [200, { host: "h", port: 2 }, 2]);
  const put = await call("PUT", `${other}/a`, { ...patched.body, spec: { host: "i", port: 3 } });
  assert.deepEqual([put.code, put.body["spec"]], [200, { host: "i", port: 3 }]);
  const status = await call("PATCH", `${other}/a/status`, { status: { ready: "yes" } }, "application/merge-patch+json");
  assert.deepEqual([status.code, status.body["status"]], [200, { ready: "yes" }]);
  const scale = await call("PATCH", `${other}/a/scale`, { spec: { replicas: 4 } }, "application/merge-patch+json");
  assert.deepEqual([scale.code, scale.body["spec"]], [200, { replicas: 4 }]);
  assert.deepEqual((await call("GET", `${old}/a`)).body["spec"], { address: "i:3", replicas: 4 });
  assert.equal((await call("DELETE", `${other}/a`)).code, 200);
  assert.equal((await call("GET", `${old}/a`)).code, 404);
});

test("requests in the stored version ask no webhook", async () => {
  const { group, v1: old } = await defined();
  await call("POST", old, v1(group, "a", "h:1"));
  await call("PATCH", `${old}/a`, { spec: { address: "h:2" } }, "application/merge-patch+json");
  assert.equal((await call("GET", old)).body["items"].length, 1);
  await call("DELETE", `${old}/a`);
  assert.deepEqual(hook.asked, []);
});

test("a list is converted in one call, and once", async () => {
  const { group, v1: old, v2: other } = await defined();
  for (const name of ["a", "b", "c"]) await call("POST", old, v1(group, name, `${name}:7`));
  const list = await call("GET", other);
  assert.deepEqual(
    list.body["items"].map(({ apiVersion, spec }: Loose) => [apiVersion, spec]),
    ["a", "b", "c"].map((host) => [`${group}/v2`, { host, port: 7 }]),
  );
  assert.deepEqual(sent(), [["v2", 3]]);
  await call("GET", `${other}/b`);
  assert.deepEqual(sent(), [["v2", 3]]);
  const { request, version } = hook.asked[0]!;
  assert.equal(version, "apiextensions.k8s.io/v1");
  assert.equal(request.objects[0]!["metadata"].resourceVersion, list.body["items"][0].metadata.resourceVersion);
});

test("selectors look at the version that is asked for, and pages go on", async () => {
  const { group, v1: old, v2: other } = await defined();
  for (const name of ["a", "b", "c", "d"]) await call("POST", old, v1(group, name, `${name < "c" ? "x" : "y"}:1`));
  const names = ({ body }: Answer) => body["items"].map(({ metadata }: Loose) => metadata.name);
  assert.deepEqual(names(await call("GET", `${other}?fieldSelector=spec.host%3Dy`)), ["c", "d"]);
  assert.deepEqual(names(await call("GET", `${other}?labelSelector=shown%3Dv2`)), ["a", "b", "c", "d"]);
  assert.deepEqual(names(await call("GET", `${old}?labelSelector=shown%3Dv2`)), []);
  const first = await call("GET", `${other}?limit=3`);
  assert.deepEqual(names(first), ["a", "b", "c"]);
  assert.deepEqual(names(await call("GET", `${other}?limit=3&continue=${first.body["metadata"].continue}`)), ["d"]);
});

test("a watch shows changes in its version, in order", async () => {
  const { group, v1: old, v2: other } = await defined();
  await call("POST", old, v1(group, "a", "h:1"));
  const events: Loose[] = [];
  const request = open("GET", `${other}?watch=1&labelSelector=shown%3Dv2`, undefined, "application/json");
  request.once("response", (response) => {
    let rest = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      events.push(...lines.map((line) => JSON.parse(line) as Loose));
    });
  });
  request.on("error", () => {});
  await until(async () => events.length === 1);
  for (let port = 2; port <= 5; port++) await call("PATCH", `${old}/a`, { spec: { address: `h:${port}` } }, "application/merge-patch+json");
  await call("DELETE", `${old}/a`);
  await until(async () => events.length === 6);
  request.destroy();
  assert.deepEqual(
    events.map(({ type, object }) => [type, object.apiVersion, object.spec.port]),
    [["ADDED", 1], ...[2, 3, 4, 5].map((port) => ["MODIFIED", port]), ["DELETED", 5]].map(([type, port]) => [type, `${group}/v2`, port]),
  );
  const revisions = events.map(({ object }) => Number(object.metadata.resourceVersion));
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
});

test("a watch ends with an error when the webhook fails", { timeout: PATIENCE_MS }, async () => {
  const { group, v1: old, v2: other } = await defined();
  let text = "";
  const request = open("GET", `${other}?watch=1&resourceVersion=${(await call("GET", old)).body["metadata"].resourceVersion}`, undefined, "application/json");
  const ended = new Promise<void>((resolve) => {
    request.once("response", (response) => {
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.once("end", resolve);
    });
  });
  hook.instead = () => ({ raw: "{}", code: 500 });
  await call("POST", old, v1(group, "a", "h:1"));
  await ended;
  const { type, object } = JSON.parse(text) as Loose;
  assert.equal(type, "ERROR");
  assert.match(object.message, /conversion webhook for .*\/v1, Kind=Thing failed: an error on the server/);
});

test("an object is applied in one version over what was applied in another", async () => {
  const { group, v1: old, v2: other } = await defined();
  const apply = (path: string, object: object) => call("PATCH", `${path}/a?fieldManager=me`, object, "application/apply-patch+yaml");
  const made = await apply(old, v1(group, "a", "h:1"));
  assert.equal(made.code, 201);
  const again = await apply(other, v2(group, "a", "h", 2));
  assert.deepEqual([again.code, again.body["spec"]], [200, { host: "h", port: 2 }]);
  const entries = again.body["metadata"].managedFields.map(({ manager, apiVersion, fieldsV1 }: Loose) => [manager, apiVersion, fieldsV1["f:spec"]]);
  assert.deepEqual(entries, [["me", `${group}/v2`, { "f:host": {}, "f:port": {} }]]);
  assert.deepEqual((await call("GET", `${old}/a`)).body["spec"], { address: "h:2" });
});

test("the first review version that both know is spoken", async () => {
  const { group, v1: old, v2: other } = await defined({ reviews: ["v2", "v1beta1", "v1"] });
  await call("POST", old, v1(group, "a", "h:1"));
  assert.equal((await call("GET", `${other}/a`)).code, 200);
  assert.equal(hook.asked[0]!.version, "apiextensions.k8s.io/v1beta1");
});

test("objects outlive a change of the stored version, and a definition goes with all of them", async () => {
  const { group, v1: old, v2: other } = await defined();
  const path = `${CRDS}/things.${group}`;
  await call("POST", old, v1(group, "first", "h:1"));
  const before = (await call("GET", path)).body;
  const changed = { ...before, spec: definition(group, { storage: "v2" })["spec"] };
  assert.deepEqual((await call("PUT", path, changed)).body["status"].storedVersions, ["v1", "v2"]);
  await until(async () => (await call("POST", other, v2(group, "second", "i", 2))).code === 201 || (await call("GET", `${other}/second`)).code === 200);
  for (const [name, address] of [
    ["first", "h:1"],
    ["second", "i:2"],
  ]) {
    assert.deepEqual((await call("GET", `${old}/${name}`)).body["spec"], { address });
    assert.equal(`${(await call("GET", `${other}/${name}`)).body["spec"].host}`, address!.split(":")[0]);
  }
  const gone = await call("PATCH", `${path}/status`, { status: { storedVersions: ["v2"] } }, "application/merge-patch+json");
  assert.deepEqual([gone.code, gone.body["status"].storedVersions], [200, ["v2"]]);
  await call("DELETE", path);
  await until(async () => (await call("GET", path)).code === 404);
  assert.equal((await call("GET", other)).code, 404);
});

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const ruleFor = (group: string) => ({ operations: ["*"], apiGroups: [group], apiVersions: ["v1"], resources: ["things"] });

test("a definition goes with objects of all versions when its webhook is away", async () => {
  const { group, v1: old } = await defined();
  const path = `${CRDS}/things.${group}`;
  await call("POST", old, v1(group, "a", "h:1"));
  await call("POST", old, { ...v1(group, "b", "h:1"), metadata: { name: "b", finalizers: ["example.com/hold"] } });
  const before = (await call("GET", path)).body;
  assert.equal((await call("PUT", path, { ...before, spec: definition(group, { storage: "v2" })["spec"] })).code, 200);
  hook.instead = () => ({ raw: "{}", code: 500 });
  await until(async () => (await call("GET", old.replace("/v1/", "/v2/"))).code === 500);
  await call("DELETE", path);
  await until(async () => (await call("GET", `${old}/a`)).code === 404);
  assert.equal((await call("PATCH", `${old}/b`, { metadata: { finalizers: null } }, "application/merge-patch+json")).code, 200);
  await until(async () => (await call("GET", path)).code === 404);
});

test("admission webhooks and policies for one version see what is written in another", async () => {
  const { group, v2: other } = await defined();
  const seen: unknown[] = [];
  const admission = await startWebhook(pki.server, ({ object }, path) => {
    seen.push([path, (object as Loose)["spec"]]);
    return path === "/mutate" ? patchOf({ op: "replace", path: "/spec/address", value: "patched:2" }) : {};
  });
  const hooked = (kind: string, path: string) => {
    const clientConfig = { url: `${admission.url}/${path}`, caBundle: Buffer.from(pki.ca).toString("base64") };
    const webhook = { name: "a.example.com", rules: [ruleFor(group)], sideEffects: "None", admissionReviewVersions: ["v1"], clientConfig };
    return call("POST", `${ADMISSION}/${kind}webhookconfigurations`, { metadata: { name: group }, webhooks: [webhook] });
  };
  const validations = [{ expression: "object.spec.address != 'patched:2'", messageExpression: "'not ' + object.spec.address" }];
  const policy = { metadata: { name: group }, spec: { matchConstraints: { resourceRules: [ruleFor(group)] }, validations } };
  const binding = { metadata: { name: group }, spec: { policyName: group, validationActions: ["Deny"] } };
  try {
    assert.deepEqual([(await hooked("mutating", "mutate")).code, (await hooked("validating", "validate")).code], [201, 201]);
    const created = await call("POST", other, v2(group, "a", "h", 1));
    assert.deepEqual([created.code, created.body["spec"], created.body["message"]], [201, { host: "patched", port: 2 }, undefined]);
    assert.deepEqual(seen, [
      ["/mutate", { address: "h:1" }],
      ["/validate", { address: "patched:2" }],
    ]);
    await call("POST", `${ADMISSION}/validatingadmissionpolicies`, policy);
    await call("POST", `${ADMISSION}/validatingadmissionpolicybindings`, binding);
    const refused = await call("POST", other, v2(group, "b", "h", 1));
    assert.equal(refused.code, 422);
    assert.match(refused.body["message"], /denied request: not patched:2$/);
  } finally {
    for (const kind of [
      "mutatingwebhookconfigurations",
      "validatingwebhookconfigurations",
      "validatingadmissionpolicies",
      "validatingadmissionpolicybindings",
    ]) {
      await call("DELETE", `${ADMISSION}/${kind}/${group}`);
    }
    await admission.close();
  }
});

test("metrics tell of conversions", async () => {
  const { group, v1: old, v2: other } = await defined();
  await call("POST", old, v1(group, "a", "h:1"));
  await call("GET", `${other}/a`);
  const { text: shown } = (await call("GET", "/metrics")).body;
  assert.match(shown, /^apiserver_conversion_webhook_request_total\{failure_type="",result="success"\} [1-9]/m);
  const labels = `crd_name="things.${group}",from_version="v1",succeeded="true",to_version="v2"`;
  assert.ok((shown as string).includes(`apiserver_crd_conversion_webhook_duration_seconds_count{${labels}} 1\n`));
});
