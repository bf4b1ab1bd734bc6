import assert from "node:assert/strict";
import { test } from "node:test";

import type { Pod } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { applyPodDefaults } from "./defaults.ts";

const pod = (spec: object): Mutable<Pod> => ({ metadata: { name: "x" }, spec, status: {} }) as unknown as Mutable<Pod>;

test("applyPodDefaults() fills a minimal pod as upstream does", () => {
  const object = pod({ containers: [{ name: "main", image: "example.org/app:1", resources: {} }] });
  applyPodDefaults(object);
  assert.deepEqual(object.spec, {
    containers: [
      {
        name: "main",
        image: "example.org/app:1",
        resources: {},
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
        imagePullPolicy: "IfNotPresent",
      },
    ],
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    enableServiceLinks: true,
  });
});

test("applyPodDefaults() makes a limit a request, and a host's port of a container's", () => {
  const object = pod({
    hostNetwork: true,
    containers: [{ name: "a", image: "a", ports: [{ containerPort: 80 }], resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } } }],
  });
  applyPodDefaults(object);
  assert.deepEqual(object.spec.containers[0]!.resources.requests, { cpu: "500m", memory: "1Gi" });
  assert.deepEqual(object.spec.containers[0]!.ports, [{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
});

test("applyPodDefaults() is idempotent", () => {
  const object = pod({ containers: [{ name: "a", image: "a", resources: { limits: { cpu: "1" } } }], volumes: [{ name: "v" }, { name: "w", secret: {} }] });
  applyPodDefaults(object);
  const once = structuredClone(object);
  applyPodDefaults(object);
  assert.deepEqual(object, once);
});
