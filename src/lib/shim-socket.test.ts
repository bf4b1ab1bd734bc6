import assert from "node:assert/strict";
import { test } from "node:test";

import { shimSocket } from "./shim-socket.ts";

test("shimSocket() is the path that containerd's shim hashes from its containerd's socket, the namespace and the sandbox", () => {
  assert.equal(shimSocket("/run/a.sock", "x"), "/run/containerd/s/24e69067b01d9ba2d7646ed6294d12cac57b2e4a3fcf3bccbf7d7a43f4c817cf");
});
