import assert from "node:assert/strict";
import { test } from "node:test";

import { isStatus } from "#apimachinery/status-error.ts";
import { bodyFormat, negotiate } from "#apiserver/http/negotiation.ts";

const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

for (const { accept, want } of [
  { accept: undefined, want: { format: "json", as: "" } },
  { accept: "*/*", want: { format: "json", as: "" } },
  { accept: "application/yaml", want: { format: "yaml", as: "" } },
  { accept: `${TABLE},application/json`, want: { format: "json", as: "Table" } },
  { accept: "application/vnd.kubernetes.protobuf,application/json", want: { format: "protobuf", as: "" } },
  { accept: "application/json;q=0.1,application/yaml", want: { format: "yaml", as: "" } },
  { accept: "application/json;as=Nothing;v=v1;g=meta.k8s.io,application/json", want: { format: "json", as: "" } },
]) {
  test(`negotiate() of ${accept}`, () => {
    const { format, as } = negotiate(accept);
    assert.deepEqual({ format, as }, want);
  });
}

test("negotiate() refuses what cannot be given", () => {
  assert.throws(
    () => negotiate("application/json;as=Table;v=v9;g=meta.k8s.io"),
    (error) => isStatus(error, "NotAcceptable"),
  );
  assert.throws(
    () => negotiate("text/plain"),
    (error) => isStatus(error, "NotAcceptable"),
  );
});

test("bodyFormat() takes JSON and YAML, and nothing it does not know", () => {
  assert.deepEqual(["", "application/json;charset=utf-8", "application/yaml"].map(bodyFormat), ["json", "json", "yaml"]);
  assert.throws(
    () => bodyFormat("text/plain"),
    (error) => isStatus(error, "UnsupportedMediaType"),
  );
});
