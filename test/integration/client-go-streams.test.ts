import assert from "node:assert/strict";
import { test } from "node:test";

import { GO_LIMIT_MS, outputOfGo } from "#test/conformance/go-program.ts";

import { IMAGE, whyNoContainers } from "./support/node-config.ts";
import { ServedNode } from "./support/served-node.ts";

test("client-go streams by WebSocket, by SPDY, and by the second after the first", {
  timeout: GO_LIMIT_MS,
  skip: whyNoContainers() ?? false,
}, async (context) => {
  const output = await outputOfGo(context, "client-go", servedPod, ["streams"]);
  if (output !== undefined) assert.match(output, /ok port-forward by what works first\n$/);
});

/** A node with a pod that answers on port 8080. */
async function servedPod() {
  const node = await ServedNode.start();
  const { cluster } = node;
  const command = ["sh", "-c", "mkdir /www; echo page > /www/index.html; exec httpd -f -h /www -p 8080"];
  const readinessProbe = { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 };
  await cluster.createPod("web", { containers: [{ name: "web", image: IMAGE, command, readinessProbe }] });
  await cluster.until("web", "ready", ({ status }) => status?.conditions?.find(({ type }) => type === "Ready")?.status === "True", 60_000);
  const { url, ca, admin } = cluster.server;
  return { url, ca, admin, close: () => node.close() };
}
