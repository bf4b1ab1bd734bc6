import assert from "node:assert/strict";
import { test } from "node:test";

import type { Secret } from "#api/core-v1/types.ts";
import type { Image } from "#kubelet/cri/types.ts";
import { parseImageName } from "#lib/image-name.ts";

import { imagesToRemove } from "./image-gc.ts";
import { pullPolicyOf } from "./pull-policy.ts";
import { registryAuths } from "./pull-secrets.ts";

test("pullPolicyOf() is Always for latest and IfNotPresent otherwise, unless given", () => {
  const policy = (text: string, given?: string) => pullPolicyOf(given, parseImageName(text) as never);
  assert.deepEqual([policy("a"), policy("a:1"), policy("a:latest", "Never")], ["Always", "IfNotPresent", "Never"]);
});

const base64 = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64");
const dockerConfig = (auths: object): Secret =>
  ({ metadata: {}, type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": base64({ auths }) } }) as never;

test("registryAuths() takes the entries of the image's registry, the most exact first", () => {
  const secret = dockerConfig({
    "registry.test": { auth: base64("user:pa:ss") },
    "registry.test/team": { username: "team", password: "secret" },
    "other.test": { username: "x", password: "y" },
    "*.wild.test": { username: "wild", password: "z" },
    "https://index.docker.io/v1/": { username: "hub", password: "h" },
  });
  const users = (image: string) => registryAuths([secret], parseImageName(image) as never).map(({ username, password }) => `${username}:${password}`);
  assert.deepEqual(users("registry.test/team/app:1"), ["team:secret", "user:pa:ss"]);
  assert.deepEqual(users("registry.test/teammate/app:1"), ["user:pa:ss"]);
  assert.deepEqual(users("a.wild.test/app:1"), ["wild:z"]);
  assert.deepEqual(users("nginx"), ["hub:h"]);
});

test("registryAuths() passes over secrets that cannot be read", () => {
  const broken = { metadata: {}, type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": base64("{") } } as never;
  assert.deepEqual(registryAuths([broken], parseImageName("nginx") as never), []);
});

const imageOf = (id: string, more: Partial<Image> = {}): Image => ({
  id,
  repoTags: [`test/${id}:1`],
  repoDigests: [],
  size: 10,
  username: "",
  pinned: false,
  ...more,
});
const view = { images: ["a", "b", "c", "d"].map((id) => imageOf(id)), used: new Set(["b"]), pinned: ["test/d:1"], nowMs: 1_000_000, capacityBytes: 100 };
const seenMs = new Map([
  ["a", 20],
  ["b", 0],
  ["c", 10],
  ["d", 0],
]);

test("imagesToRemove() takes the oldest unused until the low mark, once the high mark is passed", () => {
  assert.deepEqual(imagesToRemove({ ...view, seenMs, usedBytes: 85 }), []);
  assert.deepEqual(imagesToRemove({ ...view, seenMs, usedBytes: 86 }), ["c"]);
  assert.deepEqual(imagesToRemove({ ...view, seenMs, usedBytes: 99 }), ["c", "a"]);
});

test("imagesToRemove() spares images that were seen just now", () => {
  assert.deepEqual(imagesToRemove({ ...view, seenMs: new Map([["c", 999_000]]), usedBytes: 99 }), []);
});
