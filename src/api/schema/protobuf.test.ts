import assert from "node:assert/strict";
import { test } from "node:test";

import { kindSchema, typeSchema } from "./table.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";

import { decodeProtobuf, openEnvelope, ProtobufError } from "#apimachinery/protobuf/object-decoder.ts";

// Encoded with upstream's own code.
const VECTORS = [
  {
    name: "a pod with probes, quantities and a toleration",
    hex: "6b3873000a090a0276311203506f641289020a270a0377656212001a0022002a0032003800420808a5ebdcca0610005a0a0a03617070120377656212c8010a0c0a0464617461120412020a001284010a046d61696e12056170703a312a003a1a0a014112001a130a110a00120d6d657461646174612e6e616d65420f120d0a0363707512060a043130306d4a130a046461746110001a052f646174612200320052210a1512130a012f120a080110001a04687474701a002200100018002005280030006a007200800100880100900100a201001a002000320042004a0052005800600068008201008a01009a0100b201120a016b12064578697374731a00220028ac02c201001a130a001a0022002a0032004a005a0072008801001a002200",
    want: {
      kind: "Pod",
      apiVersion: "v1",
      metadata: { name: "web", creationTimestamp: "2026-01-02T03:04:05Z", labels: { app: "web" } },
      spec: {
        volumes: [{ name: "data", emptyDir: {} }],
        containers: [
          {
            name: "main",
            image: "app:1",
            env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
            resources: { requests: { cpu: "100m" } },
            volumeMounts: [{ name: "data", mountPath: "/data" }],
            livenessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 5 },
          },
        ],
        terminationGracePeriodSeconds: 0,
        tolerations: [{ key: "k", operator: "Exists", tolerationSeconds: 300 }],
      },
      status: {},
    },
  },
  {
    name: "a deployment with percentages",
    hex: "6b3873000a150a07617070732f7631120a4465706c6f796d656e7412cf010a400a0377656212001a0022002a003200380042008a012a0a016d12065570646174651a0032084669656c647356313a0f0a0d7b22663a73706563223a7b7d7d4200127d0800120c0a0a0a0361707012037765621a4e0a100a0012001a0022002a00320038004200123a121c0a046d61696e12002a0042006a007200800100880100900100a201001a00320042004a0052005800600068008201008a01009a0100c2010022170a0012130a06080010011a001209080110001a03323525280038001a0c0800100018002000280038001a002200",
    want: {
      kind: "Deployment",
      apiVersion: "apps/v1",
      metadata: { name: "web", managedFields: [{ manager: "m", operation: "Update", fieldsType: "FieldsV1", fieldsV1: { "f:spec": {} } }] },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: "web" } },
        template: { metadata: {}, spec: { containers: [{ name: "main", resources: {} }] } },
        strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: "25%" } },
      },
      status: {},
    },
  },
  {
    name: "a secret with bytes",
    hex: "6b3873000a0c0a027631120653656372657412260a110a017312001a0022002a0032003800420012080a016112030001ff12050a016212001a001a002200",
    want: { kind: "Secret", apiVersion: "v1", metadata: { name: "s" }, data: { a: "AAH/", b: "" } },
  },
  {
    name: "an event with a fraction of a second",
    hex: "6b3873000a0b0a02763112054576656e7412550a110a016512001a0022002a0032003800420012140a03506f6412001a0377656222002a0032003a001a0022002a040a00120032003a0040ffffffffffffffffff014a00520908a5ebdcca0610f02e620072007a001a002200",
    want: {
      kind: "Event",
      apiVersion: "v1",
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", name: "web" },
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      count: -1,
      eventTime: "2026-01-02T03:04:05.000006Z",
      reportingComponent: "",
      reportingInstance: "",
    },
  },
];

for (const { name, hex, want } of VECTORS) {
  test(`decodeProtobuf() reads ${name} as upstream writes it`, () => {
    const { apiVersion, kind, raw } = openEnvelope(Buffer.from(hex, "hex"));
    const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    const schema = kindSchema(group!, version!, kind)!;
    const { object } = decodeObject(schema, { apiVersion, kind, ...decodeProtobuf(schema, raw) });
    assert.deepEqual(JSON.parse(JSON.stringify(object)), want);
  });
}

test("openEnvelope() refuses what is no protobuf", () => {
  assert.throws(() => openEnvelope(Buffer.from('{"kind":"Pod"}')), ProtobufError);
});

test("decodeProtobuf() refuses a message that ends inside a field", () => {
  const { raw } = openEnvelope(Buffer.from(VECTORS[0]!.hex, "hex"));
  assert.throws(() => decodeProtobuf(typeSchema("core/v1.Pod"), raw.subarray(0, raw.length - 3)), ProtobufError);
});
