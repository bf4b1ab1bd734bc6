import assert from "node:assert/strict";
import { test } from "node:test";

import type { Exchange } from "#apiserver/http/exchange.ts";
import { parseApiPath, type ResourcePath } from "#apiserver/http/path.ts";

import { RequestMetrics } from "./request-metrics.ts";

function exchange(method: string, path: string, verb?: string, parts: object = {}): Exchange {
  const info = verb === undefined ? undefined : { verb, path: parseApiPath(path) as ResourcePath };
  return {
    method,
    path,
    query: new URLSearchParams(),
    headers: {},
    longRunning: verb === "watch",
    code: 200,
    sentBytes: 0,
    info,
    ...parts,
  } as unknown as Exchange;
}

const lines = (text: string, start: string) => text.split("\n").filter((line) => line.startsWith(start));

for (const [name, asked, labels] of [
  [
    "a get",
    exchange("GET", "/api/v1/namespaces/a/pods/p", "get"),
    { group: "", resource: "pods", scope: "resource", subresource: "", verb: "GET", version: "v1" },
  ],
  [
    "a list of all",
    exchange("GET", "/apis/apps/v1/deployments", "list"),
    { group: "apps", resource: "deployments", scope: "cluster", subresource: "", verb: "LIST", version: "v1" },
  ],
  [
    "a watch of some",
    exchange("GET", "/api/v1/namespaces/a/pods", "watch"),
    { group: "", resource: "pods", scope: "namespace", subresource: "", verb: "WATCH", version: "v1" },
  ],
  [
    "a creation",
    exchange("POST", "/api/v1/namespaces/a/pods", "create"),
    { group: "", resource: "pods", scope: "resource", subresource: "", verb: "POST", version: "v1" },
  ],
  [
    "an apply",
    exchange("PATCH", "/api/v1/nodes/n/status", "patch", { headers: { "content-type": "application/apply-patch+yaml" } }),
    { group: "", resource: "nodes", scope: "resource", subresource: "status", verb: "APPLY", version: "v1" },
  ],
  [
    "a stream",
    exchange("GET", "/api/v1/namespaces/a/pods/p/log", "get", { longRunning: true }),
    { group: "", resource: "pods", scope: "resource", subresource: "log", verb: "CONNECT", version: "v1" },
  ],
  ["a path", exchange("GET", "/readyz"), { group: "", resource: "", scope: "", subresource: "/readyz", verb: "GET", version: "" }],
  ["any path", exchange("GET", "/x/y"), { group: "", resource: "", scope: "", subresource: "", verb: "GET", version: "" }],
  ["an odd method", exchange("BREW", "/x/y"), { group: "", resource: "", scope: "", subresource: "", verb: "other", version: "" }],
] as const) {
  test(`RequestMetrics counts ${name} under upstream's labels`, () => {
    const metrics = new RequestMetrics();
    metrics.began(asked);
    metrics.ended(asked, 0.01);
    const all = Object.entries({ code: "200", component: "apiserver", dry_run: "", ...labels }).sort();
    const want = all.map(([label, value]) => `${label}="${value}"`).join(",");
    assert.deepEqual(lines(metrics.render(), "apiserver_request_total{"), [`apiserver_request_total{${want}} 1`]);
  });
}

test("RequestMetrics measures how long requests take, and how large answers are", () => {
  const metrics = new RequestMetrics();
  const get = exchange("GET", "/api/v1/nodes/n", "get", { sentBytes: 2000 });
  for (const seconds of [0.001, 0.3, 100]) {
    metrics.began(get);
    metrics.ended(get, seconds);
  }
  const text = metrics.render();
  const counts = lines(text, "apiserver_request_duration_seconds_bucket").map((line) => line.split(" ").at(-1));
  assert.deepEqual([counts[0], counts[4], counts[5], counts.at(-2), counts.at(-1)], ["1", "1", "2", "2", "3"]);
  assert.match(text, /^apiserver_response_sizes_bucket\{.*le="1000".*\} 0\n.*le="10000".*\} 3$/m);
  assert.match(text, /^apiserver_response_sizes_sum\{.*\} 6000$/m);
});

test("RequestMetrics shows what is served now", () => {
  const metrics = new RequestMetrics();
  const watches = [1, 2].map(() => exchange("GET", "/api/v1/pods", "watch"));
  const all = [
    ...watches,
    exchange("GET", "/api/v1/pods", "list"),
    exchange("POST", "/api/v1/namespaces", "create"),
    exchange("DELETE", "/api/v1/nodes/n", "delete"),
  ];
  for (const each of all) metrics.began(each);
  metrics.ended(watches[0]!, 60);
  const text = metrics.render();
  assert.deepEqual(lines(text, "apiserver_current_inflight_requests{"), [
    'apiserver_current_inflight_requests{request_kind="readOnly"} 1',
    'apiserver_current_inflight_requests{request_kind="mutating"} 2',
  ]);
  assert.deepEqual(lines(text, "apiserver_longrunning_requests{"), [
    'apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="cluster",subresource="",verb="WATCH",version="v1"} 1',
  ]);
});
