import type { Mutable } from "#api/strategy.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import { FieldSet, type OtherVersions, recordUpdate as recordManager } from "#apimachinery/managed-fields/index.ts";
import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { Decodable } from "#apiserver/registry/body.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import type { Draft } from "#apiserver/registry/write.ts";

export interface UpdateRecord {
  readonly live: KubeObject | undefined;
  readonly next: Draft;
  readonly manager: string;
  readonly subresource: string;
  readonly now: string;
  /** In the place of {@link otherVersions}. */
  readonly others?: OtherVersions | undefined;
}

/** Writes down in `next` which fields `manager` has set. */
export function recordUpdate(served: ServedResource, { live, next, manager, subresource, now, others: given }: UpdateRecord): void {
  const { schema, apiVersion } = served;
  const [reset, others] = [resetFields(served, subresource), given ?? otherVersions(served, subresource)];
  const record = { schema, live, updated: next as KubeObject, manager, apiVersion, subresource, time: now, resetFields: reset, others };
  setManagedFields(next, recordManager(record));
}

/** How owners that wrote another version of the kind know its fields. */
export function otherVersions(served: ServedResource, subresource: string): OtherVersions | undefined {
  const { sibling } = served;
  if (sibling === undefined) return undefined;
  return (apiVersion) => {
    const other = sibling(apiVersion);
    if (other === undefined) return undefined;
    const { schema } = other;
    return { schema, resetFields: resetFields(other, subresource), show: converter(served, other), read: converter(other, served) };
  };
}

function converter(from: ServedResource, to: ServedResource): (object: JsonObject) => JsonObject {
  return (object) => {
    // Drafts may have members that are `undefined`, which a decoder takes for wrong values.
    const { object: decoded } = decodeObject<KubeObject>(from.schema, JSON.parse(JSON.stringify(object)) as JsonObject);
    const stored = from.view === undefined ? decoded : from.view.toStored(decoded);
    return (to.view === undefined ? stored : to.view.fromStored(stored)) as KubeObject & JsonObject;
  };
}

/** Managed fields of what is answered at once and never stored. */
export function recordReview({ schema, apiVersion }: Decodable, draft: Draft, manager: string, subresource: string, now: string): void {
  if (!schema.fields.has("metadata")) return;
  const record = {
    schema,
    live: undefined,
    updated: draft as KubeObject,
    manager,
    apiVersion,
    subresource,
    time: now,
    resetFields: subresource === "" ? STATUS : undefined,
  };
  setManagedFields(draft, recordManager(record));
}

export function setManagedFields({ metadata }: Draft, entries: readonly ManagedFieldsEntry[] | undefined): void {
  if (entries === undefined || entries.length === 0) delete metadata.managedFields;
  else metadata.managedFields = entries as Mutable<ManagedFieldsEntry[]>;
}

const STATUS = FieldSet.of(["f:status"]);
const SPEC = FieldSet.of(["f:spec"]);
const METADATA_AND_SPEC = FieldSet.of(["f:metadata"], ["f:spec"]);

/**
 * What an endpoint does not take from a client, so that nobody owns it through there.
 *
 * @see GetResetFields under kubernetes pkg/registry
 */
export function resetFields({ info, hasStatus, custom, view }: ServedResource, subresource: string): FieldSet | undefined {
  const special = RESET[`${view?.stored.group ?? info.group}/${info.kind}`]?.[subresource];
  if (special !== undefined) return special;
  if (subresource === "") return hasStatus ? STATUS : undefined;
  if (custom !== undefined && subresource === "status") return METADATA_AND_SPEC;
  if (subresource === "finalize") return STATUS;
  return subresource === "status" ? SPEC : undefined;
}

const RESET: Readonly<Record<string, Readonly<Record<string, FieldSet>>>> = {
  "/Pod": { status: FieldSet.of(["f:spec"], ["f:metadata", "f:deletionTimestamp"], ["f:metadata", "f:ownerReferences"]) },
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy": { status: METADATA_AND_SPEC },
  "apiregistration.k8s.io/APIService": { status: METADATA_AND_SPEC },
  "apiextensions.k8s.io/CustomResourceDefinition": { status: METADATA_AND_SPEC },
  "apps/Deployment": { status: FieldSet.of(["f:spec"], ["f:metadata", "f:labels"]) },
  "certificates.k8s.io/CertificateSigningRequest": {
    "": FieldSet.of(["f:spec"], ["f:status"]),
    status: FieldSet.of(["f:spec"], ["f:status", "f:conditions"]),
    approval: FieldSet.of(["f:spec"], ["f:status", "f:certificate"]),
  },
  "flowcontrol.apiserver.k8s.io/FlowSchema": { status: METADATA_AND_SPEC },
  "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration": { status: METADATA_AND_SPEC },
  "resource.k8s.io/ResourceClaim": { status: METADATA_AND_SPEC },
  "storage.k8s.io/VolumeAttachment": { status: METADATA_AND_SPEC },
};
