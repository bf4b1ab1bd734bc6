import type { ImageName } from "#lib/image-name.ts";

/** The policy that an absent one stands for. */
export function pullPolicyOf(policy: string | undefined, name: ImageName): string {
  return policy || (name.suffix === ":latest" ? "Always" : "IfNotPresent");
}
