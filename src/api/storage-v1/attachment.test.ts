import assert from "node:assert/strict";
import { test } from "node:test";

import type { VolumeAttachment } from "#api/storage-v1/types.ts";
import { told } from "#test/strategies/told.ts";

import { volumeAttachmentStrategy } from "./strategy.ts";

const attachment = (source: object, fields: object = {}) => ({ spec: { attacher: "a.example.com", nodeName: "n", source, ...fields } });
const csi = { driver: "a.example.com", volumeHandle: "h" };
const inline = (fields: object) => attachment({ inlineVolumeSpec: { accessModes: ["ReadWriteOnce"], csi, ...fields } });

for (const { given, want } of [
  { given: attachment({ persistentVolumeName: "pv" }), want: [] },
  { given: inline({}), want: [] },
  { given: attachment({}), want: ["spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"] },
  {
    given: attachment({ persistentVolumeName: "pv", inlineVolumeSpec: {} }),
    want: ["spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName"],
  },
  {
    given: attachment({ persistentVolumeName: "pv" }, { attacher: "" }),
    want: ["spec.attacher: Required value", "spec.attacher: Required value"], // asked once for each version
  },
  {
    given: inline({ capacity: { storage: "1Gi" }, storageClassName: "a", volumeMode: "Block", persistentVolumeReclaimPolicy: "Delete" }),
    want: [
      "spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes",
      "spec.source.inlineVolumeSpec.persistentVolumeReclaimPolicy: Forbidden: may only be Retain in the context of inline volumes",
      "spec.source.inlineVolumeSpec.storageClassName: Forbidden: may not be specified in the context of inline volumes",
      "spec.source.inlineVolumeSpec.volumeMode: Forbidden: may not specify volumeMode other than Filesystem in the context of inline volumes",
    ],
  },
  {
    given: inline({ csi: undefined, nfs: { server: "s", path: "/" } }),
    want: ["spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes"],
  },
]) {
  test(`validateCreate() says ${want[0] ?? `nothing of ${JSON.stringify(given.spec.source)}`}`, () =>
    assert.deepEqual(told(volumeAttachmentStrategy, given), want));
}

test("an attachment's spec never changes", () => {
  const of = (name: string) => ({ metadata: { name: "x" }, ...attachment({ persistentVolumeName: name }) }) as unknown as VolumeAttachment;
  assert.deepEqual(
    volumeAttachmentStrategy.validateUpdate?.(of("b"), of("a")).map(({ field, text }) => `${field}: ${text}`),
    ['spec: Invalid value: {"Attacher":"a.example.com","Source":{"PersistentVolumeName":"b","InlineVolumeSpec":null},"NodeName":"n"}: field is immutable'],
  );
});
