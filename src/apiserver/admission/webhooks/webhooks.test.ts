// Long because its tests share one server and one webhook, each of which takes a while to start.
import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { after, before, test } from "node:test";

import type { AdmissionRequest } from "#api/admission-v1/types.ts";
import { isObject } from "#apimachinery/decode/own.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";
import { type Pair, testPki, type TestPki } from "#test/pki/test-pki.ts";
import { patchOf, startWebhook, type WebhookAnswer, type WebhookServer } from "#test/webhooks/webhook-server.ts";

/** Of the many kinds of answers, what the tests look at. */
interface Body {
  readonly message: string;
  readonly reason: string;
  readonly apiVersion: string;
  readonly data: unknown;
  readonly note: string;
  readonly metadata: { readonly labels: unknown; readonly namespace: string };
  readonly spec: { readonly replicas: number };
}

interface Answer {
  readonly code: number;
  readonly body: Body;
  readonly warnings: readonly string[];
}

let api: TestServer;
let pki: TestPki;
let hook: WebhookServer;
/** How the webhook answers in the test that runs. */
let answer: (request: AdmissionRequest, path: string) => WebhookAnswer = () => ({});

before(async () => {
  [api, pki] = await Promise.all([startTestServer(), testPki()]);
  hook = await startWebhook(pki.server, (request, path) => answer(request, path));
});

after(async () => {
  await hook.close();
  await api.close();
});

function call(method: string, path: string, body?: object, type = "application/json"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = { "content-type": type, "content-length": Buffer.byteLength(text), "user-agent": "tester/1" };
    const request = httpsRequest(`${api.url}${path}`, { method, ca: api.ca, ...api.admin, agent: false, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const warnings = [response.headers["warning"] ?? []].flat();
        resolve({ code: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) as Body, warnings });
      });
    });
    request.once("error", reject);
    request.end(text);
  });
}

const CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1";
const MAPS = "/api/v1/namespaces/default/configmaps";
const MAP_RULE = { operations: ["*"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] };
const map = (name: string, more: object = {}) => ({ metadata: { name }, ...more });
const bundle = (pem: string) => Buffer.from(pem).toString("base64");

type Kind = "mutating" | "validating";

/** Registers webhooks for as long as `run` takes; they come in the order given. */
async function withHooks(kind: Kind, hooks: readonly object[], run: () => Promise<void>): Promise<void> {
  const path = `${CONFIGURATIONS}/${kind}webhookconfigurations`;
  const webhooks = hooks.map((own, i) => ({
    ...{ name: `h${i}.example.com`, rules: [MAP_RULE], sideEffects: "None", admissionReviewVersions: ["v1"] },
    clientConfig: { url: `${hook.url}/h${i}`, caBundle: bundle(pki.ca) },
    ...own,
  }));
  const created = await call("POST", path, { metadata: { name: "hooks" }, webhooks });
  assert.equal(created.code, 201, created.body.message);
  hook.asked.length = 0;
  try {
    await run();
  } finally {
    assert.equal((await call("DELETE", `${path}/hooks`)).code, 200);
  }
}

test("a mutating webhook is asked with the whole request, and its patch is applied, with the kind's defaults", async () => {
  answer = () => patchOf({ op: "add", path: "/data", value: { colour: "blue" } }, { op: "add", path: "/metadata/labels", value: { a: "b" } });
  await withHooks("mutating", [{}], async () => {
    const { code, body } = await call("POST", `${MAPS}?fieldManager=me`, map("patched"));
    assert.deepEqual([code, body.data, body.metadata.labels], [201, { colour: "blue" }, { a: "b" }]);
    assert.deepEqual((await call("GET", `${MAPS}/patched`)).body.data, { colour: "blue" });
    const [{ path, version, request }] = hook.asked as [WebhookServer["asked"][number]];
    const { uid, object, userInfo, ...rest } = request;
    const { extra, ...user } = userInfo;
    assert.deepEqual(
      [Object.keys(extra ?? {}), user],
      [["authentication.kubernetes.io/credential-id"], { username: "admin", groups: ["system:masters", "system:authenticated"] }],
    );
    assert.match(uid, /^[0-9a-f-]{36}$/);
    assert.equal((object as { metadata: { name: string } }).metadata.name, "patched");
    assert.deepEqual([path, version], ["/h0", "admission.k8s.io/v1"]);
    const resource = { group: "", version: "v1", resource: "configmaps" };
    const kind = { group: "", version: "v1", kind: "ConfigMap" };
    assert.deepEqual(rest, {
      ...{ kind, resource, requestKind: kind, requestResource: resource, name: "patched", namespace: "default", operation: "CREATE" },
      ...{ oldObject: null, dryRun: false, options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "me" } },
    });
  });
});

test("webhooks see the old object of an update and of a delete", async () => {
  answer = () => ({});
  await call("POST", MAPS, map("seen", { data: { n: "1" } }));
  await withHooks("validating", [{}], async () => {
    await call("PATCH", `${MAPS}/seen`, { data: { n: "2" } }, "application/merge-patch+json");
    await call("DELETE", `${MAPS}/seen`);
    const told = hook.asked.map(({ request: { operation, object, oldObject, options } }) => [operation, dataOf(object), dataOf(oldObject), options]);
    assert.deepEqual(told, [
      ["UPDATE", { n: "2" }, { n: "1" }, { kind: "UpdateOptions", apiVersion: "meta.k8s.io/v1" }],
      ["DELETE", undefined, { n: "2" }, { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1" }],
    ]);
  });
});

const dataOf = (object: unknown) => (isObject(object) ? object["data"] : undefined);

const FAILED = 'Internal error occurred: failed calling webhook "h0.example.com": ';
const CALL = `${FAILED}failed to call webhook: `;
const INVALID = `${FAILED}received invalid webhook response: `;
const DENIED = 'admission webhook "h0.example.com" denied the request';

for (const { name, kind = "validating", given, code, text } of [
  { name: "a refusal", given: { allowed: false, status: { message: "not today", reason: "Because", code: 418 } }, code: 418, text: `${DENIED}: not today` },
  { name: "a refusal with a reason alone", given: { allowed: false, status: { reason: "Because" } }, code: 400, text: `${DENIED}: Because` },
  { name: "a refusal without a word", given: { allowed: false }, code: 400, text: `${DENIED} without explanation` },
  { name: "a mutating refusal", kind: "mutating", given: { allowed: false }, code: 400, text: `${DENIED} without explanation` },
  { name: "a patch of a validating webhook", given: patchOf({}), code: 500, text: `${INVALID}validating webhook may not return response.patch` },
  {
    name: "a patch without a type",
    kind: "mutating",
    given: { patch: "W10=" },
    code: 500,
    text: `${INVALID}webhook returned response.patch but not response.patchType`,
  },
  {
    name: "a type without a patch",
    kind: "mutating",
    given: { patchType: "JSONPatch" },
    code: 500,
    text: `${INVALID}webhook returned response.patchType but not response.patch`,
  },
  {
    name: "an unknown type of patch",
    kind: "mutating",
    given: { patchType: "Merge", patch: "W3t9XQ==" },
    code: 500,
    text: `${FAILED}unsupported patch type "Merge"`,
  },
  {
    name: "no response",
    given: { raw: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}' },
    code: 500,
    text: `${INVALID}webhook response was absent`,
  },
  {
    name: "another version",
    given: { raw: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{}}' },
    code: 500,
    text: `${CALL}converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion`,
  },
  {
    name: "text",
    given: { raw: "hello" },
    code: 500,
    text: `${CALL}couldn't get version/kind; json parse error: invalid character 'h' looking for beginning of value`,
  },
  { name: "nothing", given: { raw: "" }, code: 500, text: `${CALL}0-length response with status code: 200 and content type: application/json` },
  { name: "a missing page", given: { raw: "no", code: 404, type: "text/plain" }, code: 500, text: `${CALL}the server could not find the requested resource` },
  {
    name: "a broken server",
    given: { raw: "oops\n", code: 500, type: "text/plain" },
    code: 500,
    text: `${CALL}an error on the server ("oops") has prevented the request from succeeding`,
  },
  { name: "a Status", given: { raw: '{"kind":"Status","status":"Failure","message":"go away"}', code: 403 }, code: 500, text: `${CALL}go away` },
] as const satisfies readonly { name: string; kind?: Kind; given: WebhookAnswer; code: number; text: string }[]) {
  test(`a webhook that answers with ${name} refuses the request`, async () => {
    answer = () => given;
    await withHooks(kind as Kind, [{}], async () => {
      const { code: got, body } = await call("POST", MAPS, map("refused"));
      assert.deepEqual([got, body.message], [code, text]);
      assert.equal((await call("GET", `${MAPS}/refused`)).code, 404);
    });
  });
}

test("an answer to another question is none", async () => {
  answer = () => ({ uid: "other" });
  await withHooks("validating", [{}], async () => {
    const { body } = await call("POST", MAPS, map("refused"));
    assert.equal(body.message, `${INVALID}expected response.uid="${hook.asked[0]!.request.uid}", got "other"`);
  });
});

test("v1beta1 is spoken with webhooks that know nothing newer, whose answers need no uid", async () => {
  answer = () => ({ uid: "", ...patchOf({ op: "add", path: "/data", value: { old: "yes" } }), patchType: undefined });
  await withHooks("mutating", [{ admissionReviewVersions: ["v9", "v1beta1"] }], async () => {
    const { body } = await call("POST", `${MAPS}?dryRun=All`, map("older"));
    assert.deepEqual([body.data, hook.asked[0]!.version], [{ old: "yes" }, "admission.k8s.io/v1beta1"]);
  });
});

const unreachable = (more: object = {}) => ({ clientConfig: { url: "https://127.0.0.1:1/x" }, ...more });
const TIMED = (url: string, seconds = 10) => `${CALL}Post "${url}?timeout=${seconds}s": `;

for (const { name, own, text } of [
  { name: "refuses connections", own: () => unreachable(), text: () => `${TIMED("https://127.0.0.1:1/x")}dial tcp 127.0.0.1:1: connect: connection refused` },
  {
    name: "has a certificate of nobody's",
    own: () => ({ clientConfig: { url: `${hook.url}/x` } }),
    text: () => `${TIMED(`${hook.url}/x`)}tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  },
  { name: "hangs", own: () => ({ timeoutSeconds: 1 }), text: () => `${TIMED(`${hook.url}/h0`, 1)}context deadline exceeded` },
  {
    name: "is a service that is missing",
    own: () => ({ clientConfig: { service: { namespace: "default", name: "gone", path: "/x" } } }),
    text: () => `${TIMED("https://gone.default.svc:443/x")}service "gone" not found`,
  },
]) {
  test(`a webhook that ${name} refuses the request, or lets it through where its policy is Ignore`, async () => {
    answer = () => "hang";
    await withHooks("validating", [own()], async () => {
      const { code, body } = await call("POST", MAPS, map("unasked"));
      assert.deepEqual([code, body.reason, body.message], [500, "InternalError", text()]);
    });
    await withHooks("mutating", [{ ...own(), failurePolicy: "Ignore" }], async () => {
      assert.equal((await call("POST", `${MAPS}?dryRun=All`, map("unasked"))).code, 201);
    });
  });
}

test("a service's webhook has to show the service's name", async () => {
  const cert = await pki.serving("hook.default.svc");
  for (const { own, want } of [
    { own: cert, want: undefined },
    { own: pki.server, want: "x509: certificate is valid for localhost, not hook.default.svc" },
    { own: await pki.serving(), want: "x509: certificate relies on legacy Common Name field, use SANs instead" },
  ] satisfies readonly { own: Pair; want: string | undefined }[]) {
    const service = await startWebhook(own, () => ({}));
    await call("POST", "/api/v1/namespaces/default/services", { metadata: { name: "hook" }, spec: { type: "ExternalName", externalName: "localhost" } });
    const clientConfig = { caBundle: bundle(pki.ca), service: { namespace: "default", name: "hook", port: service.port } };
    await withHooks("validating", [{ clientConfig }], async () => {
      const { code, body } = await call("POST", `${MAPS}?dryRun=All`, map("served"));
      const failed = `${TIMED(`https://hook.default.svc:${service.port}/`)}tls: failed to verify certificate: ${want}`;
      assert.deepEqual([code, body.message], want === undefined ? [201, undefined] : [500, failed]);
    });
    assert.equal(service.asked.length, want === undefined ? 1 : 0);
    await service.close();
  }
});

test("a webhook is told of a dry run", async () => {
  answer = () => ({});
  await withHooks("validating", [{ sideEffects: "NoneOnDryRun" }], async () => {
    assert.equal((await call("POST", `${MAPS}?dryRun=All`, map("dry"))).code, 201);
    assert.equal(hook.asked[0]!.request.dryRun, true);
  });
});

for (const { name, own, write, want } of [
  { name: "of another namespace", own: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "other" } } }, want: 0 },
  { name: "of its namespace", own: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } } }, want: 1 },
  { name: "without its label", own: { objectSelector: { matchLabels: { a: "b" } } }, want: 0 },
  { name: "with its label", own: { objectSelector: { matchLabels: { a: "b" } } }, write: { metadata: { name: "m", labels: { a: "b" } } }, want: 1 },
  { name: "of another operation", own: { rules: [{ ...MAP_RULE, operations: ["UPDATE", "DELETE"] }] }, want: 0 },
  { name: "of the other scope", own: { rules: [{ ...MAP_RULE, scope: "Cluster" }] }, want: 0 },
  { name: "of any resource", own: { rules: [{ ...MAP_RULE, apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], scope: "Namespaced" }] }, want: 1 },
  { name: "of subresources alone", own: { rules: [{ ...MAP_RULE, resources: ["configmaps/status"] }] }, want: 0 },
]) {
  test(`a webhook ${want === 0 ? "is not" : "is"} asked about an object ${name}`, async () => {
    answer = () => ({});
    await withHooks("validating", [own], async () => {
      assert.equal((await call("POST", `${MAPS}?dryRun=All`, write ?? map("m"))).code, 201);
      assert.equal(hook.asked.length, want);
    });
  });
}

test("a webhook for one version of a kind is asked about the others, in its own; unless it wants to match exactly", async () => {
  const rules = [{ ...MAP_RULE, apiGroups: [""], resources: ["events"] }];
  const path = "/apis/events.k8s.io/v1/namespaces/default/events?dryRun=All";
  const event = {
    ...{ metadata: { name: "e" }, eventTime: "2026-01-01T00:00:00.000000Z", action: "A", reason: "R", note: "as sent", type: "Normal" },
    ...{ reportingController: "c", reportingInstance: "i", regarding: { kind: "Pod", namespace: "default", name: "p" } },
  };
  answer = () => patchOf({ op: "replace", path: "/message", value: "as patched" });
  await withHooks("mutating", [{ rules }], async () => {
    const { code, body } = await call("POST", path, event);
    assert.deepEqual([code, body.note, body.apiVersion], [201, "as patched", "events.k8s.io/v1"], body.message);
    const { kind, requestKind, resource, requestResource } = hook.asked[0]!.request;
    assert.deepEqual([kind.group, requestKind?.group, resource.group, requestResource?.group], ["", "events.k8s.io", "", "events.k8s.io"]);
  });
  await withHooks("mutating", [{ rules, matchPolicy: "Exact" }], async () => {
    assert.equal((await call("POST", path, event)).body.note, "as sent");
  });
});

test("a webhook that asks for it sees what later ones have changed, once", async () => {
  const counted: string[] = [];
  answer = (_, path) => {
    counted.push(path);
    return path === "/h1" ? patchOf({ op: "add", path: "/data", value: { n: String(counted.length) } }) : {};
  };
  await withHooks("mutating", [{ reinvocationPolicy: "IfNeeded" }, {}, { reinvocationPolicy: "IfNeeded" }], async () => {
    assert.deepEqual((await call("POST", `${MAPS}?dryRun=All`, map("again"))).body.data, { n: "2" });
    assert.deepEqual(counted, ["/h0", "/h1", "/h2", "/h0"]);
  });
});

test("a patch may take metadata away, but not move the object to another namespace", async () => {
  answer = (_, path) => (path === "/h0" ? patchOf({ op: "remove", path: "/metadata/namespace" }) : {});
  await withHooks("mutating", [{}], async () => {
    assert.equal((await call("POST", `${MAPS}?dryRun=All`, map("here"))).body.metadata.namespace, "default");
    answer = () => patchOf({ op: "replace", path: "/metadata/namespace", value: "kube-system" });
    const { code, body } = await call("POST", MAPS, map("there"));
    assert.deepEqual([code, body.message], [400, "the namespace of the provided object does not match the namespace sent on the request"]);
  });
});

test("a webhook's match conditions say whether it is asked; one that fails goes by the failure policy", async () => {
  answer = () => ({ allowed: false });
  const matchConditions = [
    { name: "named", expression: "object.metadata.name == 'wanted'" },
    { name: "labelled", expression: "request.operation == 'CREATE' && object.metadata.labels['a'] == 'b'" },
  ];
  await withHooks("validating", [{ matchConditions }], async () => {
    assert.equal((await call("POST", `${MAPS}?dryRun=All`, map("other"))).code, 201);
    const { code, body } = await call("POST", MAPS, map("wanted"));
    const expression = matchConditions[1]!.expression;
    assert.deepEqual([code, body.message], [403, `configmaps "wanted" is forbidden: expression '${expression}' resulted in error: no such key: labels`]);
    assert.equal((await call("POST", MAPS, { metadata: { name: "wanted", labels: { a: "b" } } })).code, 400);
    assert.equal(hook.asked.length, 1);
  });
  await withHooks("validating", [{ matchConditions, failurePolicy: "Ignore" }], async () => {
    assert.equal((await call("POST", `${MAPS}?dryRun=All`, map("wanted"))).code, 201);
  });
});

test("webhooks' warnings reach the client", async () => {
  answer = () => ({ warnings: ["mind the gap"] });
  await withHooks("validating", [{}], async () => {
    assert.deepEqual((await call("POST", `${MAPS}?dryRun=All`, map("warned"))).warnings, ['299 - "mind the gap"']);
  });
});

test("a patch that does not apply, and one where nothing is to be changed, are the webhook's fault", async () => {
  answer = () => patchOf({ op: "remove", path: "/data/missing" });
  await call("POST", MAPS, map("kept"));
  await withHooks("mutating", [{}], async () => {
    assert.match((await call("POST", MAPS, map("broken"))).body.message, /^Internal error occurred: the patch does not apply/);
    const text = 'Internal error occurred: admission webhook "h0.example.com" attempted to modify the object, which is not supported for this operation';
    assert.equal((await call("DELETE", `${MAPS}/kept`)).body.message, text);
  });
});

test("webhooks are asked about subresources: a binding, a scale, an eviction, a token, a connection", async () => {
  answer = (request) => (request.subResource === "scale" ? patchOf({ op: "replace", path: "/spec/replicas", value: 3 }) : {});
  const resources = ["pods/binding", "pods/eviction", "pods/exec", "deployments/scale", "serviceaccounts/token"];
  const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const deployments = "/apis/apps/v1/namespaces/default/deployments";
  await call("POST", "/api/v1/namespaces/default/serviceaccounts", map("default"));
  const pod = await call("POST", "/api/v1/namespaces/default/pods", { ...template, metadata: { name: "p" } });
  assert.equal(pod.code, 201, pod.body.message);
  await call("POST", deployments, map("d", { spec: { replicas: 1, selector: { matchLabels: { a: "b" } }, template } }));
  await withHooks("mutating", [{ rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources }] }], async () => {
    const pods = "/api/v1/namespaces/default/pods/p";
    assert.equal((await call("POST", `${pods}/binding`, map("p", { target: { name: "n" } }))).code, 201);
    await call("POST", `${pods}/exec?command=ls&command=-l&stdout=true&stdin=false`);
    assert.equal((await call("PUT", `${deployments}/d/scale`, map("d", { spec: { replicas: 2 } }))).body.spec.replicas, 3);
    await call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", { spec: {} });
    assert.equal((await call("POST", `${pods}/eviction`, map("p"))).code, 201);
    const told = hook.asked.map(({ request: { operation, kind, subResource, name } }) => [operation, kind.kind, subResource, name]);
    assert.deepEqual(told, [
      ["CREATE", "Binding", "binding", "p"],
      ["CONNECT", "PodExecOptions", "exec", "p"],
      ["UPDATE", "Scale", "scale", "d"],
      ["CREATE", "TokenRequest", "token", "default"],
      ["CREATE", "Eviction", "eviction", "p"],
    ]);
    const { object } = hook.asked[1]!.request;
    assert.deepEqual(object, { kind: "PodExecOptions", apiVersion: "v1", stdin: false, stdout: true, command: ["ls", "-l"] });
  });
});

test("a webhook that refuses everything can be removed", async () => {
  answer = () => ({ allowed: false });
  const rules = [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }];
  await withHooks("validating", [{ rules }], async () => {
    assert.equal((await call("POST", MAPS, map("refused"))).code, 400);
  });
  assert.equal((await call("POST", `${MAPS}?dryRun=All`, map("free"))).code, 201);
});
