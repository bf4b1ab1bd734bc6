import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Scale } from "#api/autoscaling-v1/types.ts";
import { LEGACY_KINDS } from "#api/resources.ts";
import { kindSchema } from "#api/schema/table.ts";
import { strategyFor } from "#api/strategies.ts";
import type { Mutable, StrategyContext } from "#api/strategy.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import type { ObjectMeta } from "#apimachinery/meta-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { newerScale, olderScale } from "./scale.ts";
import { legacyView } from "./versions.ts";

/** Whatever kind it is. */
interface Loose {
  readonly apiVersion: string;
  readonly metadata: Mutable<Partial<ObjectMeta>>;
  readonly spec: Record<string, unknown> & { rules?: { http: { paths: object[] } }[] };
}

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };

function made(apiVersion: string, kind: string, spec: object): Loose {
  const [group, version] = apiVersion.split("/") as [string, string];
  const { object } = decodeObject<Mutable<KubeObject>>(kindSchema(group, version, kind)!, {
    kind,
    apiVersion,
    metadata: { name: "web", namespace: "ns" },
    spec,
  });
  strategyFor(group, kind, version)?.applyDefaults?.(object);
  return object as unknown as Loose;
}

const viewFor = (apiVersion: string, kind: string) => {
  const [group, version] = apiVersion.split("/") as [string, string];
  return legacyView({ group, version, kind })!;
};

for (const { apiVersion, kind, spec = {}, want } of [
  {
    apiVersion: "apps/v1beta1",
    kind: "Deployment",
    want: {
      replicas: 1,
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    },
  },
  { apiVersion: "apps/v1beta2", kind: "Deployment", want: { revisionHistoryLimit: 10, progressDeadlineSeconds: 600, selector: null } },
  {
    apiVersion: "extensions/v1beta1",
    kind: "Deployment",
    want: {
      revisionHistoryLimit: 2147483647,
      progressDeadlineSeconds: 2147483647,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } },
    },
  },
  {
    apiVersion: "extensions/v1beta1",
    kind: "Deployment",
    spec: { strategy: { rollingUpdate: { maxSurge: 0 } } },
    want: { strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } },
  },
  { apiVersion: "extensions/v1beta1", kind: "DaemonSet", want: { updateStrategy: { type: "OnDelete" }, revisionHistoryLimit: 10 } },
  {
    apiVersion: "apps/v1beta2",
    kind: "DaemonSet",
    want: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }, selector: null },
  },
  {
    apiVersion: "apps/v1beta1",
    kind: "StatefulSet",
    want: { updateStrategy: { type: "OnDelete" }, podManagementPolicy: "OrderedReady", replicas: 1, selector: { matchLabels: { app: "web" } } },
  },
  { apiVersion: "apps/v1beta2", kind: "StatefulSet", want: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } } } },
  { apiVersion: "extensions/v1beta1", kind: "ReplicaSet", want: { replicas: 1, selector: { matchLabels: { app: "web" } } } },
  { apiVersion: "apps/v1beta2", kind: "ReplicaSet", want: { replicas: 1, selector: null } },
]) {
  test(`strategyFor() fills in what ${apiVersion} ${kind} ${JSON.stringify(spec)} leaves out`, () => {
    const object = made(apiVersion, kind, { ...spec, template });
    for (const [field, value] of Object.entries(want)) assert.deepEqual(object.spec[field], value, field);
    const labels = apiVersion === "apps/v1beta2" ? undefined : { app: "web" };
    assert.deepEqual(object.metadata.labels, labels);
  });
}

test("strategyFor() leaves labels alone that the object has itself", () => {
  const object = decodeObject<Mutable<KubeObject>>(kindSchema("apps", "v1beta1", "Deployment")!, {
    kind: "Deployment",
    apiVersion: "apps/v1beta1",
    metadata: { name: "web", labels: { mine: "1" } },
    spec: { template, selector: { matchLabels: { other: "2" } } },
  }).object as unknown as Mutable<KubeObject> & Loose;
  strategyFor("apps", "Deployment", "v1beta1")!.applyDefaults!(object);
  assert.deepEqual([object.metadata.labels, object.spec["selector"]], [{ mine: "1" }, { matchLabels: { other: "2" } }]);
});

for (const { version, kind, field, value, annotation, text } of [
  { version: "apps/v1beta1", kind: "Deployment", field: "rollbackTo", value: { revision: 3 }, annotation: "deprecated.deployment.rollback.to", text: "3" },
  { version: "extensions/v1beta1", kind: "Deployment", field: "rollbackTo", value: {}, annotation: "deprecated.deployment.rollback.to", text: "0" },
  {
    version: "extensions/v1beta1",
    kind: "DaemonSet",
    field: "templateGeneration",
    value: 7,
    annotation: "deprecated.daemonset.template.generation",
    text: "7",
  },
]) {
  test(`legacyView() keeps ${field} of ${version} ${kind} in an annotation`, () => {
    const object = made(version, kind, { template, [field]: value });
    const stored = viewFor(version, kind).toStored(object as unknown as KubeObject) as unknown as Loose;
    assert.equal(stored.apiVersion, "apps/v1");
    assert.deepEqual([stored.metadata.annotations, stored.spec[field]], [{ [annotation]: text }, undefined]);
    assert.deepEqual(viewFor(version, kind).fromStored(stored as unknown as KubeObject), object);
  });

  test(`legacyView() drops an annotation of ${version} ${kind} that the field overrules`, () => {
    const object = made(version, kind, { template });
    object.metadata.annotations = { [annotation]: "99", other: "stays" };
    const { annotations } = viewFor(version, kind).toStored(object as unknown as KubeObject).metadata;
    assert.deepEqual(annotations, kind === "DaemonSet" ? { other: "stays", [annotation]: "0" } : { other: "stays" });
  });
}

test("legacyView() leaves an annotation that is no number where it is", () => {
  const stored = { kind: "Deployment", apiVersion: "apps/v1", metadata: { annotations: { "deprecated.deployment.rollback.to": "x" } }, spec: { template } };
  const shown = viewFor("apps/v1beta1", "Deployment").fromStored(stored as unknown as KubeObject) as unknown as Loose;
  assert.deepEqual([shown.metadata.annotations, shown.spec["rollbackTo"]], [{ "deprecated.deployment.rollback.to": "x" }, undefined]);
});

const port = fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.constantFrom("http", "https"));
const backend = fc.oneof(
  fc.record({ serviceName: fc.constantFrom("a", "b"), servicePort: port }),
  fc.constant({ resource: { apiGroup: "g", kind: "K", name: "n" } }),
);
const ingressSpec = fc.record(
  {
    backend,
    ingressClassName: fc.constant("c"),
    rules: fc.array(
      fc.record({
        host: fc.constantFrom("x.example", "y.example"),
        http: fc.record({ paths: fc.array(fc.record({ path: fc.constant("/"), backend }), { minLength: 1 }) }),
      }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
  },
  { requiredKeys: [] },
);

test("legacyView() gives an Ingress back as it was", () => {
  const view = viewFor("extensions/v1beta1", "Ingress");
  fc.assert(
    fc.property(ingressSpec, (spec) => {
      const object = view.fromStored(view.toStored(made("extensions/v1beta1", "Ingress", spec) as unknown as KubeObject));
      const stored = view.toStored(object);
      assert.deepEqual(view.fromStored(stored), object);
      const schema = kindSchema("networking.k8s.io", "v1", "Ingress")!;
      assert.deepEqual(decodeObject(schema, stored as never).strictErrors, []);
      assert.deepEqual(
        strategyFor("networking.k8s.io", "Ingress")!.validateCreate!(stored).filter(({ field }) => field !== "spec"),
        [],
      );
    }),
  );
});

test("legacyView() says backends in today's words", () => {
  const rules = [{ http: { paths: [{ backend: { serviceName: "web", servicePort: "http" } }] } }];
  const object = made("extensions/v1beta1", "Ingress", { backend: { serviceName: "all", servicePort: 80 }, rules });
  const { spec, apiVersion } = viewFor("extensions/v1beta1", "Ingress").toStored(object as unknown as KubeObject) as unknown as Loose;
  assert.equal(apiVersion, "networking.k8s.io/v1");
  assert.deepEqual(spec["defaultBackend"], { service: { name: "all", port: { number: 80 } } });
  assert.deepEqual(spec.rules![0]!.http.paths[0], { pathType: "ImplementationSpecific", backend: { service: { name: "web", port: { name: "http" } } } });
});

const context: StrategyContext = { now: "2026-01-01T00:00:00Z", user: { name: "u", uid: "", groups: [], extra: {} } };

test("strategyFor() checks and keeps an old version by the stored one's rules", () => {
  const rules = strategyFor("extensions", "DaemonSet", "v1beta1")!;
  const old = made("extensions/v1beta1", "DaemonSet", { template, templateGeneration: 4 });
  const next = made("extensions/v1beta1", "DaemonSet", { template: { ...template, spec: { containers: [{ name: "c", image: "other" }] } } });
  const { metadata } = next;
  rules.prepareForUpdate!(next as never, old as unknown as KubeObject, context);
  assert.equal(next.spec["templateGeneration"], 5);
  assert.equal(next.metadata, metadata);
  assert.equal(next.apiVersion, "extensions/v1beta1");
  next.spec["selector"] = { matchLabels: { app: "other" } };
  const faults = rules.validateUpdate!(next as never, old as unknown as KubeObject).map(({ field, text }) => `${field}: ${text}`);
  assert.ok(
    faults.some((fault) => /^spec\.selector: .*field is immutable/.test(fault)),
    faults.join("\n"),
  );
});

test("LEGACY_KINDS all have a view, a schema and a replacement", () => {
  assert.equal(LEGACY_KINDS.length, 13);
  for (const info of LEGACY_KINDS) {
    const view = legacyView(info)!;
    const [group, version, kind] = info.lifecycle!.replacement!.split(",");
    assert.deepEqual([`${group}/${version}`, kind], [view.stored.apiVersion, info.kind]);
    assert.ok(kindSchema(info.group, info.version, info.kind));
  }
});

for (const { text, selector } of [
  { text: "app=web,tier=front", selector: { app: "web", tier: "front" } },
  { text: "app in (a,b)", selector: undefined },
  { text: "app=web,!gone", selector: undefined },
]) {
  test(`olderScale() tells the selector ${text} as labels where it can`, () => {
    const metadata = { name: "x" } as Scale["metadata"];
    const scale = { kind: "Scale", apiVersion: "autoscaling/v1", metadata, spec: { replicas: 2 }, status: { replicas: 1, selector: text } };
    const older = olderScale(scale, "apps/v1beta2");
    assert.deepEqual([older.apiVersion, older.status.selector, older.status.targetSelector], ["apps/v1beta2", selector, text]);
    assert.deepEqual(newerScale(older), scale);
  });
}
