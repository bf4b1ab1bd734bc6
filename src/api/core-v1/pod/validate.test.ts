import assert from "node:assert/strict";
import { test } from "node:test";

import type { Pod } from "#api/core-v1/types.ts";
import type { Mutable, StrategyContext } from "#api/strategy.ts";

import { podStrategy } from "./strategy.ts";

const CONTEXT: StrategyContext = { now: "2026-01-01T00:00:00Z", user: { name: "u", uid: "", groups: [], extra: {} } };

/** A pod as the registry hands it over: decoded, with defaults, prepared. */
function pod(spec: object = {}, metadata: object = {}): Pod {
  const main = { name: "main", image: "example.org/app:1", resources: {} };
  const draft = {
    metadata: { name: "x", namespace: "n", ...metadata },
    spec: { serviceAccountName: "default", containers: [main], ...spec },
    status: {},
  } as unknown as Mutable<Pod>;
  podStrategy.applyDefaults!(draft);
  podStrategy.prepareForCreate!(draft, CONTEXT);
  return draft;
}

const container = (rest: object) => ({ containers: [{ name: "main", image: "a", resources: {}, ...rest }] });
const told = (errors: readonly { field: string; text: string }[]) => errors.map(({ field, text }) => `${field}: ${text}`);

test("podStrategy accepts a plain pod", () => assert.deepEqual(podStrategy.validateCreate!(pod()), []));

for (const { name, spec, want } of [
  { name: "no containers", spec: { containers: null }, want: ["spec.containers: Required value"] },
  { name: "no image", spec: container({ image: "" }), want: ["spec.containers[0].image: Required value"] },
  { name: "a port of 0", spec: container({ ports: [{ containerPort: 0 }] }), want: ["spec.containers[0].ports[0].containerPort: Required value"] },
  {
    name: "a request above its limit",
    spec: container({ resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }),
    want: ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  },
  {
    name: "a mount without its volume",
    spec: container({ volumeMounts: [{ name: "v", mountPath: "/v" }] }),
    want: ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
  },
  {
    name: "two sources of a volume",
    spec: { volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/x" } }] },
    want: ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
  },
  {
    name: "a probe without a handler",
    spec: container({ livenessProbe: {} }),
    want: ["spec.containers[0].livenessProbe: Required value: must specify a handler type"],
  },
  {
    name: "an unknown policy",
    spec: { restartPolicy: "Sometimes" },
    want: ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
  },
  {
    name: "a toleration of everything by value",
    spec: { tolerations: [{ value: "x" }] },
    want: ['spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"'],
  },
  {
    name: "values printed as upstream holds them",
    spec: container({ securityContext: { allowPrivilegeEscalation: false, privileged: true } }),
    want: [
      'spec.containers[0].securityContext: Invalid value: {"Capabilities":null,"Privileged":true,"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,' +
        '"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,' +
        '"AppArmorProfile":null}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ],
  },
]) {
  test(`podStrategy.validateCreate() refuses ${name}`, () => assert.deepEqual(told(podStrategy.validateCreate!(pod(spec))), want));
}

test("podStrategy.validateUpdate() takes a new image and refuses a new command, with a diff", () => {
  const old = pod();
  assert.deepEqual(podStrategy.validateUpdate!(pod(container({ image: "b" })), pod(container({}))), []);
  const [error] = podStrategy.validateUpdate!(pod({ containers: [{ ...old.spec.containers[0]!, workingDir: "/w" }] }), old);
  assert.match(error!.text, /^Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`/);
  assert.match(error!.text, /\n- {3}"WorkingDir": "",\n\+ {3}"WorkingDir": "\/w",\n/);
});

test("podStrategy.prepareForCreate() resets status, and tells that a gated pod waits", () => {
  assert.deepEqual(pod().status, { phase: "Pending", qosClass: "BestEffort" });
  const gated = pod({ schedulingGates: [{ name: "example.com/wait" }] });
  assert.equal(gated.status.conditions?.[0]?.reason, "SchedulingGated");
});

test("podStrategy.prepareForCreate() gives selectors the pod's own labels", () => {
  const spread = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: {}, matchLabelKeys: ["rev"] };
  const { spec } = pod({ topologySpreadConstraints: [spread] }, { labels: { rev: "7" } });
  assert.deepEqual(spec.topologySpreadConstraints![0]!.labelSelector, { matchExpressions: [{ key: "rev", operator: "In", values: ["7"] }] });
});

for (const { name, spec, phase, asked, want } of [
  { name: "a pod on no node", spec: {}, phase: "Pending", asked: 10, want: 0 },
  { name: "a running pod", spec: { nodeName: "n1" }, phase: "Running", asked: undefined, want: 30 },
  { name: "a running pod with a wish", spec: { nodeName: "n1" }, phase: "Running", asked: 5, want: 5 },
  { name: "an ended pod", spec: { nodeName: "n1" }, phase: "Failed", asked: 5, want: 0 },
]) {
  test(`podStrategy.gracePeriodSeconds() of ${name} is ${want}`, () => {
    const object = { ...pod(spec), status: { phase } };
    assert.equal(podStrategy.gracePeriodSeconds!(object, asked), want);
  });
}

test("podStrategy.warningsOnCreate() tells of what is hardly meant", () => {
  const spec = container({
    env: [
      { name: "A", value: "1" },
      { name: "A", value: "2" },
    ],
    ports: [{ containerPort: 80 }, { containerPort: 80 }],
  });
  assert.deepEqual(podStrategy.warningsOnCreate!(pod(spec)), [
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
  ]);
});
