import type { KubeObject } from "#apimachinery/object.ts";
import type { ApiCall } from "#client/transport.ts";

import type { DiskChange, SimDisk } from "./sim-disk.ts";

/** What checks look at. */
export interface Case {
  readonly disk: SimDisk;
  /** The time without the server's outages, in which nobody hears of anything: by it goes how old a view may be. */
  readonly heardMs: () => number;
  readonly isRemote: boolean;
  /** Says that something is not as it must be. */
  readonly accuse: (what: string) => void;
}

/** A claim that must hold all along. */
export interface Check {
  /** A change has become durable. */
  changed?(change: DiskChange): void;
  /** Controllers or scheduler ask for something; the server has it and has not begun. */
  asked?(call: ApiCall): void;
  /** A client was told that its request was carried out. */
  acknowledged?(call: ApiCall, answer: unknown): void;
}

/** The resource that a key of the store belongs to, as `pods`; and the rest of the key. */
export function partsOf(key: string): { readonly place: string; readonly name: string } {
  const [, , place = "", ...rest] = key.split("/");
  return { place, name: rest.join("/") };
}

export const uidOf = (object: KubeObject | undefined): string => object?.metadata.uid ?? "";
