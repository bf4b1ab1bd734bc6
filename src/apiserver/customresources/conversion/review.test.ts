import assert from "node:assert/strict";
import { test } from "node:test";

import { type ConversionWebhook, type Loose, reviewed } from "#test/webhooks/conversion-webhook.ts";
import { call, defined, hook, setUp, v1 } from "#test/webhooks/converted-things.ts";

setUp();

const good = (uid: string, convertedObjects: readonly unknown[]) => ({ uid, result: { status: "Success" }, convertedObjects });
const withMetadata = (object: Loose, more: object) => ({ ...object, metadata: { ...object["metadata"], ...more } });

for (const { name, instead, said } of [
  {
    name: "that says no",
    instead: ({ uid }) => reviewed("apiextensions.k8s.io/v1", { uid, result: { status: "Failure", message: "not today" } }),
    said: "failed: not today",
  },
  {
    name: "that says neither",
    instead: ({ uid }) => reviewed("apiextensions.k8s.io/v1", { uid }),
    said: "failed: response.result.status was '', not 'Success'",
  },
  {
    name: "for another request",
    instead: () => reviewed("apiextensions.k8s.io/v1", good("other", [])),
    said: /failed: expected response.uid="[0-9a-f-]{36}", got "other"/,
  },
  {
    name: "without a response",
    instead: () => ({ raw: '{"kind":"ConversionReview","apiVersion":"apiextensions.k8s.io/v1"}' }),
    said: "failed: no response provided",
  },
  {
    name: "of another kind",
    instead: ({ uid }) => reviewed("apiextensions.k8s.io/v1beta1", good(uid, [])),
    said: "failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got apiextensions.k8s.io/v1beta1, Kind=ConversionReview",
  },
  { name: "of too few", instead: ({ uid }) => reviewed("apiextensions.k8s.io/v1", good(uid, [])), said: "returned 0 objects, expected 1" },
  {
    name: "in the version that it was",
    instead: ({ uid, objects }) => reviewed("apiextensions.k8s.io/v1", good(uid, objects)),
    said: /returned invalid object at index 0: invalid groupVersion \(expected (.*)\/v2, received \1\/v1\)/,
  },
  {
    name: "of another object's kind",
    instead: ({ uid, objects }, convert) => reviewed("apiextensions.k8s.io/v1", good(uid, [{ ...convert(objects[0]!), kind: "Other" }])),
    said: "returned invalid object at index 0: invalid kind (expected Thing, received Other)",
  },
  {
    name: "with another name",
    instead: ({ uid, objects }, convert) => reviewed("apiextensions.k8s.io/v1", good(uid, [withMetadata(convert(objects[0]!), { name: "b" })])),
    said: "returned invalid object: must have the same name: a != b",
  },
  {
    name: "with another namespace",
    instead: ({ uid, objects }, convert) => reviewed("apiextensions.k8s.io/v1", good(uid, [withMetadata(convert(objects[0]!), { namespace: "b" })])),
    said: "returned invalid object: must have the same namespace: default != b",
  },
  {
    name: "with another uid",
    instead: ({ uid, objects }, convert) => reviewed("apiextensions.k8s.io/v1", good(uid, [withMetadata(convert(objects[0]!), { uid: "b" })])),
    said: /returned invalid object: must have the same UID: [0-9a-f-]{36} != b/,
  },
  {
    name: "with a label that is none",
    instead: ({ uid, objects }, convert) => reviewed("apiextensions.k8s.io/v1", good(uid, [withMetadata(convert(objects[0]!), { labels: { a: 1 } })])),
    said: "returned invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object",
  },
  {
    name: "that is no success",
    instead: () => ({ raw: "no", code: 503, type: "text/plain" }),
    said: "failed: the server is currently unable to handle the request",
  },
] satisfies { name: string; instead: ConversionWebhook["instead"]; said: string | RegExp }[]) {
  test(`an answer ${name} is refused`, async () => {
    const { group, v1: old, v2: other } = await defined();
    await call("POST", old, v1(group, "a", "h:1"));
    hook.instead = instead;
    const { code, body } = await call("GET", `${other}/a`);
    assert.deepEqual([code, body["kind"], body["status"], body["reason"]], [500, "Status", "Failure", undefined]);
    const rest = (body["message"] as string).replace(`conversion webhook for ${group}/v1, Kind=Thing `, "");
    if (typeof said === "string") assert.equal(rest, said);
    else assert.match(rest, said);
    hook.instead = undefined;
    assert.equal((await call("GET", `${other}/a`)).code, 200, "a failure is not remembered");
  });
}

test("metadata but for labels and annotations stays as it was", async () => {
  const { group, v1: old, v2: other } = await defined();
  await call("POST", old, v1(group, "a", "h:1"));
  const more = { finalizers: ["x.example.com/y"], ownerReferences: [], generation: 9, creationTimestamp: "2001-01-01T00:00:00Z", annotations: { k: "v" } };
  hook.instead = ({ uid, objects }, one) => reviewed("apiextensions.k8s.io/v1", good(uid, [withMetadata(one(objects[0]!), more)]));
  const { metadata } = (await call("GET", `${other}/a`)).body;
  assert.deepEqual([metadata.finalizers, metadata.ownerReferences, metadata.generation, metadata.annotations], [undefined, undefined, 1, { k: "v" }]);
  assert.notEqual(metadata.creationTimestamp, more.creationTimestamp);
});

test("a webhook that nobody reaches is told of as upstream does", async () => {
  const { group, v1: old, v2: other } = await defined({ url: "https://127.0.0.1:1" });
  await call("POST", old, v1(group, "a", "h:1"));
  const { code, body } = await call("GET", `${other}/a`);
  assert.equal(code, 500);
  const why = 'Post "https://127.0.0.1:1/convert?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused';
  assert.equal(body["message"], `conversion webhook for ${group}/v1, Kind=Thing failed: ${why}`);
});
