import { ALL_KINDS, DEFAULT_KINDS, type ResourceInfo } from "./resources.ts";

/** What a server serves: upstream's own choice, and the versions that were turned on. */
export function kindsWith(turnedOn: readonly string[]): readonly ResourceInfo[] {
  if (turnedOn.length === 0) return DEFAULT_KINDS;
  return ALL_KINDS.filter(({ servedByDefault, group, version }) => servedByDefault || turnedOn.includes(`${group}/${version}`));
}
