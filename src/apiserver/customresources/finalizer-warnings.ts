import { isQualifiedName } from "#apimachinery/validation/names.ts";

const STANDARD = ["orphan", "foregroundDeletion", "kubernetes"];
const PATH = "metadata.finalizers";
const CONFLICTS = "to avoid accidental conflicts with other finalizer writers";

/** Names of finalizers that somebody else may use, too. @see apiextensions-apiserver pkg/registry/customresource/validator.go */
export function finalizerWarnings(added: readonly string[]): string[] {
  return [...new Set(added)].sort().flatMap((name) => {
    const quoted = JSON.stringify(name);
    const wrong = isQualifiedName(name).map((message) => `${PATH}: ${quoted}: ${message}`);
    if (name.includes("/") || STANDARD.includes(name)) return wrong;
    const better = name.includes(".") ? "a domain-qualified finalizer name including a path (/)" : "a domain-qualified finalizer name";
    return [...wrong, `${PATH}: ${quoted}: prefer ${better} ${CONFLICTS}`];
  });
}
