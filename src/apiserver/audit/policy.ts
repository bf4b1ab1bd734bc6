import type { UserInfo } from "#apiserver/user.ts";

export const LEVELS = ["None", "Metadata", "Request", "RequestResponse"] as const;
const STAGES = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type Level = (typeof LEVELS)[number];
export type Stage = (typeof STAGES)[number];

/** A Policy of audit.k8s.io/v1. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages?: readonly Stage[] | undefined;
  readonly omitManagedFields?: boolean | undefined;
}

export interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[] | undefined;
  readonly userGroups?: readonly string[] | undefined;
  readonly verbs?: readonly string[] | undefined;
  readonly resources?: readonly { readonly group?: string; readonly resources?: readonly string[]; readonly resourceNames?: readonly string[] }[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  readonly nonResourceURLs?: readonly string[] | undefined;
  readonly omitStages?: readonly Stage[] | undefined;
  readonly omitManagedFields?: boolean | undefined;
}

/** What is asked about; `path` of what names no resource. */
export interface AuditAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly path?: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Verdict {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

/** @throws {Error} saying what is wrong with the file's text */
export async function parsePolicy(text: string): Promise<Policy> {
  const { parse } = await import("yaml");
  const policy = parse(text) as (Policy & { readonly apiVersion?: unknown; readonly kind?: unknown }) | null;
  if (policy?.apiVersion !== "audit.k8s.io/v1" || policy.kind !== "Policy") throw new Error("it is no Policy of audit.k8s.io/v1");
  if (!Array.isArray(policy.rules) || policy.rules.length === 0) throw new Error("it has no rules");
  checkStages(policy.omitStages, "omitStages");
  for (const [index, rule] of policy.rules.entries()) {
    if (!LEVELS.includes(rule.level)) throw new Error(`rules[${index}].level: ${JSON.stringify(rule.level)} is none of ${LEVELS.join(", ")}`);
    checkStages(rule.omitStages, `rules[${index}].omitStages`);
    const ofResources = (rule.resources?.length ?? 0) + (rule.namespaces?.length ?? 0) > 0;
    if (ofResources && (rule.nonResourceURLs?.length ?? 0) > 0)
      throw new Error(`rules[${index}]: a rule is for resources or for nonResourceURLs, not for both`);
  }
  return policy;
}

function checkStages(stages: readonly Stage[] | undefined, field: string): void {
  const stranger = stages?.find((stage) => !STAGES.includes(stage));
  if (stranger !== undefined) throw new Error(`${field}: ${JSON.stringify(stranger)} is none of ${STAGES.join(", ")}`);
}

/** The first rule that matches counts; without one, nothing is written. @see apiserver pkg/audit/policy/checker.go */
export function evaluate(policy: Policy, attributes: AuditAttributes): Verdict {
  const rule = policy.rules.find((candidate) => matches(candidate, attributes));
  const omitStages = new Set([...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])]);
  return { level: rule?.level ?? "None", omitStages, omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false };
}

function matches(rule: PolicyRule, { user, verb, path, ...attributes }: AuditAttributes): boolean {
  const { users = [], userGroups = [], verbs = [], resources = [], namespaces = [], nonResourceURLs = [] } = rule;
  if (users.length > 0 && !users.includes(user.name)) return false;
  if (userGroups.length > 0 && !user.groups.some((group) => userGroups.includes(group))) return false;
  if (verbs.length > 0 && !verbs.includes(verb)) return false;
  if (namespaces.length > 0 || resources.length > 0) return path === undefined && matchesResource({ resources, namespaces }, attributes);
  return nonResourceURLs.length === 0 || (path !== undefined && nonResourceURLs.some((url) => matchesPath(url, path)));
}

type ResourceRule = Required<Pick<PolicyRule, "resources" | "namespaces">>;

function matchesResource(
  { resources = [], namespaces = [] }: ResourceRule,
  { group, resource, subresource, namespace, name }: Omit<AuditAttributes, "user" | "verb" | "path">,
): boolean {
  if (namespaces.length > 0 && !namespaces.includes(namespace)) return false;
  if (resources.length === 0) return true;
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const isMeant = (pattern: string) =>
    pattern === full || pattern === "*" || pattern === `${resource}/*` || (subresource !== "" && pattern === `*/${subresource}`);
  return resources.some((rule) => {
    if ((rule.group ?? "") !== group) return false;
    const { resources: patterns = [], resourceNames = [] } = rule;
    return patterns.length === 0 || ((resourceNames.length === 0 || resourceNames.includes(name)) && patterns.some(isMeant));
  });
}

const matchesPath = (url: string, path: string) => url === "*" || url === path || (url.endsWith("*") && path.startsWith(url.replace(/\*+$/, "")));
