import type { ContainerSummary, Image } from "#kubelet/cri/types.ts";

export interface GcView {
  readonly images: readonly Image[];
  /** Image references of all containers, ended ones too. */
  readonly used: ReadonlySet<string>;
  /** When each image was first seen, in milliseconds. */
  readonly seenMs: ReadonlyMap<string, number>;
  readonly pinned: readonly string[];
  readonly usedBytes: number;
  readonly capacityBytes: number;
  readonly nowMs: number;
}

/** Upstream's imageGCHighThresholdPercent, imageGCLowThresholdPercent and imageMinimumGCAge. */
const GC_HIGH = 0.85;
const GC_LOW = 0.8;
const MIN_AGE_MS = 120_000;

/** The images to remove, oldest first, until the disk is below the low mark. @see pkg/kubelet/images/image_gc_manager.go */
export function imagesToRemove({ images, used, seenMs, pinned, usedBytes, capacityBytes, nowMs }: GcView): string[] {
  if (usedBytes <= capacityBytes * GC_HIGH) return [];
  let excess = usedBytes - capacityBytes * GC_LOW;
  const unused = images.filter(({ id, repoTags, pinned: held }) => !held && !used.has(id) && !repoTags.some((tag) => pinned.includes(tag)));
  const old = unused.filter(({ id }) => nowMs - (seenMs.get(id) ?? nowMs) >= MIN_AGE_MS).sort((a, b) => (seenMs.get(a.id) ?? 0) - (seenMs.get(b.id) ?? 0));
  const chosen: string[] = [];
  for (const { id, size } of old) {
    if (excess <= 0) break;
    chosen.push(id);
    excess -= size;
  }
  return chosen;
}

/** The references by which containers name their images. */
export function imagesInUse(containers: readonly ContainerSummary[]): ReadonlySet<string> {
  return new Set(containers.map(({ imageRef }) => imageRef));
}
