import assert from "node:assert/strict";
import { test } from "node:test";

import type { PlainResponse } from "#apiserver/http/plain.ts";
import { ANONYMOUS } from "#apiserver/user.ts";

import { type HealthCheck, healthHandler } from "./health.ts";
import { StartHooks } from "./start-hooks.ts";

const fine = () => undefined;
const checks: readonly HealthCheck[] = [
  { name: "ping", check: fine },
  { name: "etcd", check: () => "etcd failed: context deadline exceeded" },
  { name: "shutdown", readyOnly: true, check: fine },
];

function ask(all: readonly HealthCheck[], url: string): PlainResponse | undefined {
  const { pathname: path, searchParams: query } = new URL(url, "https://a");
  return healthHandler(() => all)({ method: "GET", path, query, headers: {}, user: ANONYMOUS }) as PlainResponse | undefined;
}

for (const [url, status, body] of [
  ["/livez/ping", 200, "ok"],
  ["/livez/shutdown", undefined, undefined],
  ["/livez/", undefined, undefined],
  ["/readyz/shutdown", 200, "ok"],
  ["/livez/etcd", 500, "internal server error: etcd failed: context deadline exceeded\n"],
  ["/healthz", 500, "[+]ping ok\n[-]etcd failed: reason withheld\nhealthz check failed\n"],
  ["/healthz?exclude=etcd", 200, "ok"],
  ["/readyz?verbose&exclude=etcd", 200, "[+]ping ok\n[+]etcd excluded: ok\n[+]shutdown ok\nreadyz check passed\n"],
  [
    "/livez?verbose&exclude=b&exclude=etcd&exclude=a",
    200,
    '[+]ping ok\n[+]etcd excluded: ok\nwarn: some health checks cannot be excluded: no matches for "a","b"\nlivez check passed\n',
  ],
] as const) {
  test(`healthHandler() answers ${url}`, () => {
    const answer = ask(checks, url);
    assert.deepEqual([answer?.status, answer?.body], [status, body]);
  });
}

test("StartHooks tells in upstream's order what is not done yet, and a step that is done stays so", () => {
  const hooks = new StartHooks();
  let role: object | undefined;
  hooks.add("rbac/bootstrap-roles", () => (role === undefined ? "not finished" : undefined));
  hooks.add("crd-informer-synced");
  const told = () => String(ask(hooks.checks, "/healthz?verbose")!.body).split("\n").slice(0, 2);
  assert.deepEqual(told(), ["[-]poststarthook/crd-informer-synced failed: reason withheld", "[-]poststarthook/rbac/bootstrap-roles failed: reason withheld"]);
  hooks.done("crd-informer-synced");
  role = {};
  assert.deepEqual(told(), ["[+]poststarthook/crd-informer-synced ok", "[+]poststarthook/rbac/bootstrap-roles ok"]);
  role = undefined;
  assert.equal(ask(hooks.checks, "/livez/poststarthook/rbac/bootstrap-roles")?.body, "ok");
});
