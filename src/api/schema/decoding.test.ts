import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeObject } from "#apimachinery/decode/decode.ts";
import { applySchemaDefaults } from "#apimachinery/decode/defaults.ts";
import { parseJson } from "#apimachinery/decode/json.ts";
import { conversionFault } from "#apimachinery/decode/unstructured.ts";

import { kindSchema, typeSchema } from "./table.ts";

const POD = kindSchema("", "v1", "Pod")!;
const CONFIG_MAP = kindSchema("", "v1", "ConfigMap")!;

function decodeText(schema: typeof POD, text: string) {
  const { value, notes } = parseJson(text);
  return decodeObject<Record<string, unknown>>(schema, value, notes);
}

const pod = (container: string) => `{"kind":"Pod","spec":{"containers":[${container}]}}`;

test("decodeObject() writes what Go's encoder always writes", () => {
  const { object } = decodeText(POD, '{"apiVersion":"v1","kind":"Pod"}');
  assert.deepEqual(object, { kind: "Pod", apiVersion: "v1", metadata: {}, spec: { containers: null }, status: {} });
});

test("decodeObject() leaves out zero values, but not behind pointers", () => {
  const { object } = decodeText(
    POD,
    '{"spec":{"hostNetwork":false,"nodeName":"","terminationGracePeriodSeconds":0,"nodeSelector":{},"securityContext":{},"containers":[]}}',
  );
  assert.deepEqual(object["spec"], { containers: [], terminationGracePeriodSeconds: 0, securityContext: {} });
});

test("decodeObject() gives members in the order of the struct, and maps sorted", () => {
  const { object } = decodeText(CONFIG_MAP, '{"data":{"b":"1","a":"2"},"kind":"ConfigMap"}');
  assert.equal(JSON.stringify(object), '{"kind":"ConfigMap","metadata":{},"data":{"a":"2","b":"1"}}');
});

test("decodeObject() puts quantities and times into one form", () => {
  const { object } = decodeText(POD, pod('{"name":"a","resources":{"limits":{"cpu":0.5,"memory":"1024Ki"}}}'));
  const [container] = (object["spec"] as { containers: { resources: unknown }[] }).containers;
  assert.deepEqual(container!.resources, { limits: { cpu: "500m", memory: "1Mi" } });
  const { object: other } = decodeText(POD, '{"metadata":{"creationTimestamp":"2026-01-02T03:04:05.9+01:00","deletionTimestamp":null}}');
  assert.deepEqual(other["metadata"], { creationTimestamp: "2026-01-02T02:04:05Z" });
});

test("decodeObject() names unknown and repeated fields in the order of the text", () => {
  const { strictErrors } = decodeText(CONFIG_MAP, '{"bogus":1,"data":{"x":"1","x":"2"},"metadata":{"foo":1},"immutable":true,"immutable":true}');
  assert.deepEqual(strictErrors, ['unknown field "bogus"', 'duplicate field "data.x"', 'unknown field "metadata.foo"', 'duplicate field "immutable"']);
});

test("decodeObject() keeps keys that objects inherit apart", () => {
  const { object, strictErrors } = decodeText(CONFIG_MAP, '{"data":{"__proto__":"x","constructor":"y"},"constructor":1}');
  assert.deepEqual(Object.keys(object["data"] as object), ["__proto__", "constructor"]);
  assert.deepEqual(strictErrors, ['unknown field "constructor"']);
});

for (const [text, want] of [
  [pod("5"), "json: cannot unmarshal number into Go struct field PodSpec.spec.containers of type v1.Container"],
  ['{"spec":{"containers":"x"}}', "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container"],
  ['{"metadata":{"generation":2.0}}', "json: cannot unmarshal number 2.0 into Go struct field ObjectMeta.metadata.generation of type int64"],
  ['{"metadata":{"uid":true}}', "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.uid of type types.UID"],
  [
    '{"spec":{"volumes":[{"rbd":{"secretRef":5}}]}}',
    "json: cannot unmarshal number into Go struct field RBDVolumeSource.spec.volumes.VolumeSource.rbd.secretRef of type v1.LocalObjectReference",
  ],
  [pod('{"resources":{"limits":{"cpu":"x"}}}'), "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  [pod('{"name":5,"resources":{"limits":{"cpu":"1kk"}}}'), "unable to parse quantity's suffix"],
  ['{"metadata":{"creationTimestamp":"yesterday"}}', 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'],
  ['{"metadata":{"creationTimestamp":"2026-02-30T00:00:00Z"}}', 'parsing time "2026-02-30T00:00:00Z": day out of range'],
] as const) {
  test(`decodeObject() says ${want}`, () => assert.throws(() => decodeText(POD, text), { name: "DecodeError", message: want }));
}

test("decodeObject() refuses bytes that are not base64", () => {
  assert.throws(() => decodeText(CONFIG_MAP, '{"binaryData":{"a":"x"}}'), { message: "illegal base64 data at input byte 0" });
});

test("decodeObject() takes its own output for canonical", () => {
  const { object } = decodeText(POD, pod('{"name":"a","ports":[{"containerPort":80}],"env":[{"name":"A","value":""}]}'));
  assert.deepEqual(decodeObject(POD, object).object, object);
});

test("applySchemaDefaults() fills markers in, zero values too where a pointer tells them from nothing", () => {
  const port: Record<string, unknown> = { containerPort: 80 };
  applySchemaDefaults(typeSchema("core/v1.Container"), { ports: [port], livenessProbe: {} });
  assert.deepEqual(port, { containerPort: 80, protocol: "TCP" });
  const probe = { grpc: { port: 1 } };
  applySchemaDefaults(typeSchema("core/v1.Probe"), probe);
  assert.deepEqual(probe, { grpc: { port: 1, service: "" } });
});

for (const [spec, want] of [
  [["x"], "cannot restore struct from: slice"],
  [{ containers: "main" }, "cannot restore slice from string"],
  [{ containers: { name: "main" } }, "cannot restore slice from map"],
  [{ containers: [{ ports: [{ containerPort: "80" }] }] }, "unrecognized type: int32"],
  [{ containers: [{ ports: [{ containerPort: 80 }] }] }, undefined],
] as const) {
  test(`conversionFault() of a spec ${JSON.stringify(spec)} is ${want}`, () => assert.equal(conversionFault(POD, { spec }), want));
}
