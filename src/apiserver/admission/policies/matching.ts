import type { MatchResources, NamedRuleWithOperations } from "#api/admissionregistration-v1/types.ts";
import type { ResourceInfo } from "#api/resources.ts";
import { EVERYTHING, type Selector, selectorOf } from "#apimachinery/label-selector.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { isSelected } from "#apiserver/admission/webhooks/dispatch.ts";
import type { EquivalentsOf } from "#apiserver/admission/webhooks/hook-source.ts";
import { ruleMatches } from "#apiserver/admission/webhooks/rules.ts";

/** Which requests a policy or a binding is about, its selectors ready. */
export class Match {
  readonly #match: MatchResources;
  readonly #selectors: { readonly namespaces: Selector; readonly objects: Selector };

  constructor(match: MatchResources = {}) {
    const selector = (given: MatchResources["objectSelector"]) => (given === undefined ? EVERYTHING : selectorOf(given));
    this.#match = match;
    this.#selectors = { namespaces: selector(match.namespaceSelector), objects: selector(match.objectSelector) };
  }

  /** Whether its rules take such requests, for objects of some name or other. */
  mayConcern(attributes: AdmissionAttributes, equivalentsOf: EquivalentsOf): boolean {
    const { resourceRules = [], matchPolicy } = this.#match;
    if (resourceRules.length === 0) return true;
    const nameless = resourceRules.map(({ resourceNames: _, ...rule }) => rule);
    return seenByRules(nameless, attributes, matchPolicy === "Exact" ? NO_OTHERS : equivalentsOf) !== undefined;
  }

  /**
   * As which resource the request is seen; `undefined` when it is none of those.
   *
   * @throws {StatusError} 404 for a namespace that is missing
   * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/matching/matching.go
   */
  seenAs(attributes: AdmissionAttributes, reader: ObjectReader, equivalentsOf: EquivalentsOf): ResourceInfo | undefined {
    const { excludeResourceRules = [], resourceRules = [], matchPolicy } = this.#match;
    const byRules = (rules: readonly NamedRuleWithOperations[]) => seenByRules(rules, attributes, matchPolicy === "Exact" ? NO_OTHERS : equivalentsOf);
    const as = resourceRules.length === 0 ? attributes.resource : byRules(resourceRules);
    if (as === undefined || byRules(excludeResourceRules) !== undefined) return undefined;
    return isSelected(this.#selectors, attributes, reader) ? as : undefined;
  }
}

const NO_OTHERS: EquivalentsOf = () => [];

/** In no namespace; Namespaces themselves are not in one either. */
export function isClusterWide({ namespace, resource }: Pick<AdmissionAttributes, "namespace" | "resource">): boolean {
  return namespace === "" || (resource.kind === "Namespace" && resource.group === "");
}

function seenByRules(rules: readonly NamedRuleWithOperations[], attributes: AdmissionAttributes, equivalentsOf: EquivalentsOf): ResourceInfo | undefined {
  const { operation, resource, subresource, name } = attributes;
  const clusterWide = isClusterWide(attributes);
  const matches = (rule: NamedRuleWithOperations, { group, version, plural }: ResourceInfo) =>
    ruleMatches(rule, { operation, group, version, plural, subresource, isClusterWide: clusterWide }) &&
    ((rule.resourceNames ?? []).length === 0 || rule.resourceNames!.includes(name));
  if (rules.some((rule) => matches(rule, resource))) return resource;
  if (rules.length === 0) return undefined;
  const others = equivalentsOf(resource, subresource);
  for (const rule of rules) {
    const as = others.find((other) => matches(rule, other));
    if (as !== undefined) return as;
  }
  return undefined;
}
