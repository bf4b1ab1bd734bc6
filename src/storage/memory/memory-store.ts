import { type Engine, GroupedStore } from "../grouped-store.ts";
import { RevisionedMap } from "../revisioned-map.ts";
import type { Entry, Store, WriteOp } from "../store.ts";

/** A store that lives as long as its process: for tests and the simulator. */
export function createMemoryStore(): Store {
  return new GroupedStore(new MemoryEngine(), new RevisionedMap<Entry>());
}

class MemoryEngine implements Engine<Entry> {
  make({ key, value }: WriteOp, modRevision: number, createRevision: number): Entry {
    return { key, value: value!, createRevision, modRevision };
  }

  async write(): Promise<void> {}

  value({ value }: Entry): Uint8Array {
    return value;
  }

  values(versions: readonly Entry[]): Uint8Array[] {
    return versions.map(({ value }) => value);
  }

  async forget(): Promise<void> {}

  async close(): Promise<void> {}
}
