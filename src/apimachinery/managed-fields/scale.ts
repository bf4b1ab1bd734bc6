import type { ManagedFieldsEntry } from "#apimachinery/meta-v1/types.ts";

import { FieldSet } from "./field-set.ts";
import { type Manager, type Managers, decodeManagers, encodeManagers } from "./managers.ts";

const SCALE_VERSION = "autoscaling/v1";
const REPLICAS = FieldSet.of(["f:spec", "f:replicas"]);

type Entries = readonly ManagedFieldsEntry[] | null | undefined;

const owns = ({ fields }: Manager, replicas: FieldSet) => !fields.intersection(replicas).empty;
const managersOf = (entries: Entries): Managers => decodeManagers(entries) ?? new Map<string, Manager>();

/**
 * Who owns the replicas of an object, in the words of its Scale.
 *
 * @param replicas where they stand in the object
 * @see apimachinery pkg/util/managedfields/scalehandler.go
 */
export function scaleManagers(parent: Entries, replicas: FieldSet = REPLICAS): readonly ManagedFieldsEntry[] {
  const owners = [...managersOf(parent)].filter(([, owner]) => owns(owner, replicas));
  return encodeManagers(new Map(owners.map(([id, owner]) => [id, { ...owner, apiVersion: SCALE_VERSION, fields: REPLICAS }])));
}

/** The object's managers after its Scale has got those of `scale`: who lost the replicas there loses them here. */
export function managersOfScaled(parent: Entries, scale: Entries, apiVersion: string, replicas: FieldSet = REPLICAS): readonly ManagedFieldsEntry[] {
  const before = managersOf(parent);
  const scalers = new Map(managersOf(scale));
  const after = new Map<string, Manager>();
  for (const [id, owner] of before) {
    const kept = !owns(owner, replicas) || scalers.delete(id) ? owner : { ...owner, fields: owner.fields.difference(replicas) };
    if (!kept.fields.empty) after.set(id, kept);
  }
  for (const [id, scaler] of scalers) {
    if (owns(scaler, REPLICAS)) after.set(id, { ...scaler, apiVersion, time: before.get(id)?.time, fields: replicas });
  }
  return encodeManagers(after, parent ?? []);
}
