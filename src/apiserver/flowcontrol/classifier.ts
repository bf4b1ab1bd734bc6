import type { FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from "#api/flowcontrol-v1/types.ts";
import type { UserInfo } from "#apiserver/user.ts";

/** What of a request says which flow it belongs to. */
export interface FlowRequest {
  readonly user: UserInfo;
  readonly verb: string;
  /** Of a request that names no resource; the others are empty then. */
  readonly path?: string;
  readonly group: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespace: string;
}

/** The first schema by precedence, and among equals by name, that a request matches. */
export class Classifier {
  readonly #schemas: readonly FlowSchema[];
  /** Of the schemas, those with a rule for the user: users come again and again, and rules for most do not hold. */
  readonly #byUser = new WeakMap<UserInfo, readonly Candidate[]>();

  constructor(schemas: readonly FlowSchema[]) {
    const precedence = ({ spec }: FlowSchema) => spec.matchingPrecedence ?? 0;
    this.#schemas = [...schemas].sort((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  classify(request: FlowRequest): FlowSchema | undefined {
    const { user } = request;
    let candidates = this.#byUser.get(user);
    if (candidates === undefined) this.#byUser.set(user, (candidates = this.#candidates(user)));
    for (const { schema, rules } of candidates) if (rules.some((rule) => holds(rule, request))) return schema;
    return undefined;
  }

  #candidates(user: UserInfo): Candidate[] {
    return this.#schemas.flatMap((schema) => {
      const rules = (schema.spec.rules ?? []).filter(({ subjects }) => subjects.some((subject) => isSubject(subject, user)));
      return rules.length === 0 ? [] : [{ schema, rules }];
    });
  }
}

interface Candidate {
  readonly schema: FlowSchema;
  readonly rules: readonly PolicyRulesWithSubjects[];
}

/** What tells flows of one schema apart. */
export function flowOf({ metadata, spec }: FlowSchema, { user, namespace }: FlowRequest): string {
  const { type } = spec.distinguisherMethod ?? {};
  return `${metadata.name}\0${type === "ByUser" ? user.name : type === "ByNamespace" ? namespace : ""}`;
}

function isSubject({ kind, user: named, group, serviceAccount }: Subject, user: UserInfo): boolean {
  if (kind === "User") return named !== undefined && (named.name === "*" || named.name === user.name);
  if (kind === "Group") return group !== undefined && (group.name === "*" || user.groups.includes(group.name));
  if (serviceAccount === undefined) return false;
  const prefix = `system:serviceaccount:${serviceAccount.namespace}:`;
  return serviceAccount.name === "*" ? user.name.startsWith(prefix) : user.name === prefix + serviceAccount.name;
}

function holds({ resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, request: FlowRequest): boolean {
  return request.path === undefined
    ? resourceRules.some((rule) => holdsForResource(rule, request))
    : nonResourceRules.some((rule) => holdsForPath(rule, request.verb, request.path!));
}

function holdsForResource(rule: ResourcePolicyRule, { verb, group, plural, subresource, namespace }: FlowRequest): boolean {
  if (!includes(rule.verbs, verb) || !includes(rule.apiGroups, group)) return false;
  if (!includes(rule.resources, subresource === "" ? plural : `${plural}/${subresource}`)) return false;
  return namespace === "" ? rule.clusterScope === true : includes(rule.namespaces ?? [], namespace);
}

function holdsForPath({ verbs, nonResourceURLs }: NonResourcePolicyRule, verb: string, path: string): boolean {
  if (!includes(verbs, verb)) return false;
  return nonResourceURLs.some((url) => {
    if (url === "*" || url === path) return true;
    const prefix = url.endsWith("*") ? url.slice(0, -1) : url;
    return path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
  });
}

const includes = (list: readonly string[], wanted: string) => (list.length === 1 && list[0] === "*") || list.includes(wanted);
