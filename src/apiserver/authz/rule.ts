import type { Attributes, PolicyRule } from "#apiserver/authz/authorizer.ts";

/** @see kubernetes plugin/pkg/auth/authorizer/rbac RuleAllows */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (attributes.path !== undefined) return rule.nonResourceURLs?.some((url) => pathMatches(url, attributes.path)) ?? false;
  const { group, plural, subresource, name } = attributes;
  if (rule.apiGroups === undefined || !has(rule.apiGroups, group)) return false;
  if (rule.resources === undefined || !resourceMatches(rule.resources, plural, subresource)) return false;
  const { resourceNames } = rule;
  return resourceNames === undefined || resourceNames.length === 0 || resourceNames.includes(name);
}

function has(list: readonly string[], wanted: string): boolean {
  return list.includes("*") || list.includes(wanted);
}

function resourceMatches(resources: readonly string[], plural: string, subresource: string): boolean {
  const combined = subresource === "" ? plural : `${plural}/${subresource}`;
  return resources.includes("*") || resources.includes(combined) || (subresource !== "" && resources.includes(`*/${subresource}`));
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.replace(/\*+$/, "")));
}
