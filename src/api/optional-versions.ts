/** Groups' versions that upstream leaves off, and that may be turned on. */
export const OPTIONAL_VERSIONS: readonly string[] = ["admissionregistration.k8s.io/v1beta1"];

/**
 * Reads what `--runtime-config` says: `admissionregistration.k8s.io/v1beta1=true`, comma-separated.
 *
 * @returns the versions that are turned on; `undefined` when it names another, or says something else of one
 */
export function parseRuntimeConfig(text: string): readonly string[] | undefined {
  const turnedOn = new Set<string>();
  for (const each of text.split(",").map((part) => part.trim())) {
    if (each === "") continue;
    const [version = "", value = "true", ...rest] = each.split("=");
    if (!OPTIONAL_VERSIONS.includes(version) || rest.length > 0 || (value !== "true" && value !== "false")) return undefined;
    if (value === "true") turnedOn.add(version);
    else turnedOn.delete(version);
  }
  return [...turnedOn];
}
