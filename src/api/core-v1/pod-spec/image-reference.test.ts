import assert from "node:assert/strict";
import { test } from "node:test";

import { defaultPullPolicy, parseImageReference } from "./image-reference.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

for (const { image, name, tag, digest = "" } of [
  { image: "nginx", name: "docker.io/library/nginx", tag: "latest" },
  { image: "nginx:1.27", name: "docker.io/library/nginx", tag: "1.27" },
  { image: "team/app", name: "docker.io/team/app", tag: "latest" },
  { image: "localhost/app:x", name: "localhost/app", tag: "x" },
  { image: "registry.local:5000/a/b:v1", name: "registry.local:5000/a/b", tag: "v1" },
  { image: `nginx@${DIGEST}`, name: "docker.io/library/nginx", tag: "", digest: DIGEST },
  { image: `nginx:1@${DIGEST}`, name: "docker.io/library/nginx", tag: "1", digest: DIGEST },
]) {
  test(`parseImageReference() reads ${image}`, () => assert.deepEqual(parseImageReference(image), { name, tag, digest }));
}

for (const image of ["", "UPPER", "a b", "a".repeat(64).replaceAll("a", "0"), "x:", "x@sha256:12", "/x"]) {
  test(`parseImageReference() refuses ${JSON.stringify(image)}`, () => assert.equal(parseImageReference(image), undefined));
}

test("defaultPullPolicy() pulls what may move under its tag", () => {
  assert.equal(defaultPullPolicy("nginx"), "Always");
  assert.equal(defaultPullPolicy("nginx:latest"), "Always");
  assert.equal(defaultPullPolicy("nginx:1"), "IfNotPresent");
  assert.equal(defaultPullPolicy(`nginx@${DIGEST}`), "IfNotPresent");
  assert.equal(defaultPullPolicy("!!"), "IfNotPresent");
});
