import type { RuleWithOperations } from "#api/admissionregistration-v1/types.ts";

/** Of a request, what rules look at. */
export interface RuleSubject {
  readonly operation: string;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly subresource: string;
  /** In no namespace; Namespaces themselves are not in one either. */
  readonly isClusterWide: boolean;
}

/** @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go */
export function ruleMatches({ scope, operations, apiGroups, apiVersions, resources }: RuleWithOperations, subject: RuleSubject): boolean {
  const { operation, group, version, plural, subresource, isClusterWide } = subject;
  if (scope !== undefined && scope !== "*" && scope !== (isClusterWide ? "Cluster" : "Namespaced")) return false;
  if (!has(operations, operation) || !has(apiGroups, group) || !has(apiVersions, version)) return false;
  return (resources ?? []).some((text) => {
    const slash = text.indexOf("/");
    const [resource, part] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
    return (resource === "*" || resource === plural) && (part === "*" || part === subresource);
  });
}

const has = (items: readonly string[] | undefined, wanted: string) => items?.some((item) => item === "*" || item === wanted) ?? false;
