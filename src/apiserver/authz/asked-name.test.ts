import assert from "node:assert/strict";
import { test } from "node:test";

import { askedName } from "#apiserver/authz/asked-name.ts";

for (const { verb, name = "", fieldSelector = "", want } of [
  { verb: "get", name: "a", want: "a" },
  { verb: "list", want: "" },
  { verb: "list", fieldSelector: "metadata.name=a", want: "a" },
  { verb: "watch", fieldSelector: "status.phase!=Failed,metadata.name==a", want: "a" },
  { verb: "list", fieldSelector: "metadata.name!=a", want: "" },
  { verb: "deletecollection", fieldSelector: "metadata.name=a", want: "" },
]) {
  test(`askedName() of ${verb} ${name || fieldSelector} is ${JSON.stringify(want)}`, () => assert.equal(askedName(verb, name, fieldSelector), want));
}
