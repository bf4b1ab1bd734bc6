import assert from "node:assert/strict";
import { test } from "node:test";

import { resourceInfo } from "#api/resources.ts";
import type { Mutable } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { type AdmissionAttributes, AdmissionChain } from "#apiserver/admission/admission.ts";
import { deviceAdminAccess } from "#apiserver/admission/plugins/device-admin-access.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";

const asking = { devices: { requests: [{ name: "a" }, { name: "b", exactly: { adminAccess: true } }] } };
const granting = { allocation: { devices: { results: [{ adminAccess: true }] } } };
const ASKED = "spec.devices.requests[1].adminAccess";
const GRANTED = "status.allocation.devices.results[0].adminAccess";

for (const { name, plural = "resourceclaims", subresource = "", namespace = "plain", object, old, want } of [
  { name: "a claim", object: { spec: asking }, want: ASKED },
  { name: "a claim of a marked namespace", namespace: "marked", object: { spec: asking }, want: undefined },
  { name: "a claim of a namespace that is gone", namespace: "gone", object: { spec: asking }, want: ASKED },
  { name: "a claim that asks for nothing", object: { spec: { devices: {} } }, want: undefined },
  { name: "a template", plural: "resourceclaimtemplates", object: { spec: { spec: asking } }, want: ASKED },
  { name: "an allocation", subresource: "status", object: { status: granting }, old: { status: {} }, want: GRANTED },
  { name: "an allocation that stands", subresource: "status", object: { status: granting }, old: { status: granting }, want: undefined },
]) {
  test(`deviceAdminAccess() ${want === undefined ? "allows" : "refuses"} ${name}`, async () => {
    const chain = new AdmissionChain([deviceAdminAccess(reader)]);
    const validate = async (attributes: AdmissionAttributes) => chain.validate(attributes);
    const result = validate({
      ...{ operation: old === undefined ? "CREATE" : "UPDATE", subresource, namespace, name: "c", options: {}, dryRun: false, user: LOOPBACK_USER },
      resource: resourceInfo("resource.k8s.io", "v1", plural)!,
      object: { metadata: { name: "c" }, ...object } as unknown as Mutable<KubeObject>,
      oldObject: old as unknown as KubeObject | undefined,
      warn: () => {},
    });
    if (want === undefined) await result;
    else await assert.rejects(result, (error: Error) => error.message.includes(`"c" is invalid: ${want}: Forbidden: admin access to devices requires`));
  });
}

const reader: ObjectReader = {
  lookup: (_, __, name) =>
    name === "gone" ? undefined : ({ metadata: { name, labels: name === "marked" ? { "resource.kubernetes.io/admin-access": "true" } : {} } } as never),
  list: () => [],
};
