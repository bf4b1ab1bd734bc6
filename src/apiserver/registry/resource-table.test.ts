import assert from "node:assert/strict";
import { test } from "node:test";

import { ALL_KINDS } from "#api/resources.ts";

import { storageKey, storagePrefix } from "./resource-table.ts";

/** @see kubernetes pkg/kubeapiserver/default_storage_factory_builder.go SpecialDefaultResourcePrefixes, and the prefixes of aggregator and apiextensions */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "/replicationcontrollers": "/registry/controllers/",
  "/endpoints": "/registry/services/endpoints/",
  "/nodes": "/registry/minions/",
  "/services": "/registry/services/specs/",
  "networking.k8s.io/ingresses": "/registry/ingress/",
  "apiextensions.k8s.io/customresourcedefinitions": "/registry/apiextensions.k8s.io/customresourcedefinitions/",
  "apiregistration.k8s.io/apiservices": "/registry/apiregistration.k8s.io/apiservices/",
};

test("objects lie where upstream's servers look for them", () => {
  for (const { group, plural } of ALL_KINDS) {
    assert.equal(storagePrefix(group, plural), ELSEWHERE[`${group}/${plural}`] ?? `/registry/${plural}/`, `${group}/${plural}`);
  }
  assert.equal(storageKey(storagePrefix("", "pods"), "default", "web"), "/registry/pods/default/web");
  assert.equal(storageKey(storagePrefix("", "nodes"), "", "n1"), "/registry/minions/n1");
});

test("kinds share a prefix only where upstream stores them as one", () => {
  const resources = new Map<string, Set<string>>();
  for (const { group, plural } of ALL_KINDS.filter(({ servedByDefault }) => servedByDefault)) {
    const prefix = storagePrefix(group, plural);
    resources.set(prefix, (resources.get(prefix) ?? new Set()).add(`${group}/${plural}`));
  }
  const shared = [...resources].filter(([, names]) => names.size > 1).map(([prefix, names]) => [prefix, [...names].sort()]);
  assert.deepEqual(shared, [["/registry/events/", ["/events", "events.k8s.io/events"]]]);
});
