import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";

import { FieldSet } from "./field-set.ts";
import { type Manager, type Managers, decodeManagers, encodeManagers } from "./managers.ts";

const SCALE_VERSION = "autoscaling/v1";
const REPLICAS = FieldSet.of(["f:spec", "f:replicas"]);

type Entries = readonly ManagedFieldsEntry[] | null | undefined;

const hasReplicas = ({ fields }: Manager) => !fields.intersection(REPLICAS).empty;
const managersOf = (entries: Entries): Managers => decodeManagers(entries) ?? new Map<string, Manager>();

/**
 * Who owns `spec.replicas` of an object, in the words of its Scale.
 *
 * @see apimachinery pkg/util/managedfields/scalehandler.go
 */
export function scaleManagers(parent: Entries): readonly ManagedFieldsEntry[] {
  const owners = [...managersOf(parent)].filter(([, owner]) => hasReplicas(owner));
  return encodeManagers(new Map(owners.map(([id, owner]) => [id, { ...owner, apiVersion: SCALE_VERSION, fields: REPLICAS }])));
}

/** The object's managers after its Scale has got those of `scale`: who lost the replicas there loses them here. */
export function managersOfScaled(parent: Entries, scale: Entries, apiVersion: string): readonly ManagedFieldsEntry[] {
  const before = managersOf(parent);
  const scalers = new Map(managersOf(scale));
  const after = new Map<string, Manager>();
  for (const [id, owner] of before) {
    const kept = !hasReplicas(owner) || scalers.delete(id) ? owner : { ...owner, fields: owner.fields.difference(REPLICAS) };
    if (!kept.fields.empty) after.set(id, kept);
  }
  for (const [id, scaler] of scalers) {
    if (hasReplicas(scaler)) after.set(id, { ...scaler, apiVersion, time: before.get(id)?.time, fields: REPLICAS });
  }
  return encodeManagers(after, parent ?? []);
}
