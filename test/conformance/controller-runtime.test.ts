import assert from "node:assert/strict";
import { test } from "node:test";

import { startControlPlane } from "#test/golden-controllers/control-plane.ts";

import { GO_LIMIT_MS, outputOfGo } from "./go-program.ts";

test("a controller made with controller-runtime works, in protobuf and in JSON", { timeout: GO_LIMIT_MS }, async (context) => {
  const output = await outputOfGo(context, "controller-runtime", startControlPlane);
  if (output !== undefined) assert.match(output, /ok the finalizer had its way, in protobuf\n[^]*ok the finalizer had its way, in json\n$/);
});
