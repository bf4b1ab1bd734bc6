import assert from "node:assert/strict";
import { test } from "node:test";

import { fullImageName, parseImageName } from "./image-name.ts";

const DIGEST = `@sha256:${"a".repeat(64)}`;

for (const { text, want } of [
  { text: "nginx", want: "docker.io/library/nginx:latest" },
  { text: "nginx:1.27", want: "docker.io/library/nginx:1.27" },
  { text: "team/app", want: "docker.io/team/app:latest" },
  { text: "127.0.0.1:5000/app:1", want: "127.0.0.1:5000/app:1" },
  { text: "localhost/app", want: "localhost/app:latest" },
  { text: `registry.test/a/b:1${DIGEST}`, want: `registry.test/a/b:1${DIGEST}` },
  { text: "quay.io/me/hello", want: "quay.io/me/hello:latest" },
  { text: "localhost:5000/hello", want: "localhost:5000/hello:latest" },
  { text: "UPPER/case", want: undefined },
  { text: "a b", want: undefined },
  { text: "", want: undefined },
]) {
  test(`parseImageName() of "${text.slice(0, 30)}" is ${want?.slice(0, 40) ?? "no name"}`, () => {
    const name = parseImageName(text);
    assert.equal(name && fullImageName(name), want);
  });
}
