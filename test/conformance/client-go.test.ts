import assert from "node:assert/strict";
import { test } from "node:test";

import { startTestServer } from "#test/api-server/test-server.ts";

import { GO_LIMIT_MS, outputOfGo } from "./go-program.ts";

test("client-go, in protobuf, sees what it would see of upstream", { timeout: GO_LIMIT_MS }, async (context) => {
  const output = await outputOfGo(context, "client-go", startTestServer);
  if (output !== undefined) assert.match(output, /ok later pages are of the same moment\n$/);
});
