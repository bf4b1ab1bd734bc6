import { ENDPOINT_SLICES } from "#api/builtin.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import type { Draft } from "#apimachinery/object.ts";
import type { Client } from "#client/client.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";

/** What is to become of a service's slices. */
export interface Changes {
  readonly create: readonly Draft<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

export async function performSliceChanges(client: Client, { create, update, remove }: Changes): Promise<void> {
  for (const slice of create) await client.create(ENDPOINT_SLICES, slice);
  for (const slice of update) await client.update(ENDPOINT_SLICES, slice);
  for (const { metadata } of remove) {
    await client.delete(ENDPOINT_SLICES, metadata).catch(ignoreNotFound);
  }
}
