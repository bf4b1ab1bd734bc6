import assert from "node:assert/strict";
import { test } from "node:test";

import type { KubeObject, KubeList } from "#apimachinery/object.ts";
import { HttpTransport } from "#client/http-transport.ts";
import { builtin } from "#api/resources.ts";
import { systemClock } from "#lib/system-clock.ts";
import { componentStatusHandler } from "#apiserver/registry/special/component-status.ts";
import { startTestServer } from "#test/api-server/test-server.ts";

const STATUSES = builtin("", "v1", "componentstatuses");

test("componentStatusHandler() tells of each part, when it is asked", async (context) => {
  const state = { fault: undefined as string | undefined };
  const parts = componentStatusHandler(() => [
    { name: "etcd-0", fault: undefined },
    { name: "scheduler", fault: state.fault },
  ]);
  const { url, ca, admin, close } = await startTestServer({ bare: true, subresources: () => [parts] });
  const transport = new HttpTransport({ server: url, ca, ...admin, clock: systemClock });
  context.after(async () => {
    transport.close();
    await close();
  });
  const healthy = (name: string, status = "True", message = "ok") => ({ metadata: { name }, conditions: [{ type: "Healthy", status, message }] });
  const list = async (fieldSelector = "") => {
    const { items } = (await transport.perform({ verb: "list", resource: STATUSES, options: { fieldSelector } })) as KubeList;
    return items;
  };
  assert.deepEqual((await list()) as readonly object[], [healthy("etcd-0"), healthy("scheduler")]);
  const fault = "it has stopped";
  state.fault = fault;
  assert.deepEqual((await list("metadata.name=scheduler")) as readonly object[], [healthy("scheduler", "False", fault)]);
  const { kind, apiVersion, ...one }: KubeObject = (await transport.perform({ verb: "get", resource: STATUSES, name: "scheduler" })) as KubeObject;
  assert.deepEqual([kind, apiVersion], ["ComponentStatus", "v1"]);
  assert.deepEqual<object>(one, healthy("scheduler", "False", fault));
  await assert.rejects(transport.perform({ verb: "get", resource: STATUSES, name: "other" }), /^StatusError: Component not found: other$/);
  const accept = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
  const { body } = await transport.request({ path: "/api/v1/componentstatuses", headers: accept });
  const { rows } = JSON.parse(String(body)) as { rows: { cells: string[] }[] };
  assert.deepEqual(
    rows.map(({ cells }) => cells),
    [
      ["etcd-0", "Healthy", "ok", ""],
      ["scheduler", "Unhealthy", fault, ""],
    ],
  );
});
