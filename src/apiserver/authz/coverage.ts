import { goList } from "#apimachinery/go-list.ts";
import type { PolicyRule } from "#apiserver/authz/authorizer.ts";

/** A rule of one verb and one resource, name or path. */
interface Atom {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly resourceName?: string;
  readonly path?: string;
}

/**
 * What of `wanted` does not follow from `held`, in pieces as small as there are.
 *
 * @see kubernetes component-helpers/auth/rbac/validation/policy_comparator.go
 */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted
    .flatMap(atomsOf)
    .filter((atom) => !held.some((rule) => covers(rule, atom)))
    .map(ruleOf);
}

/** Rules that differ in their verbs alone as one, so that what is missing can be read. */
export function compacted(rules: readonly PolicyRule[]): PolicyRule[] {
  const bySubject = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...subject } = rule;
    const key = rule.nonResourceURLs === undefined ? JSON.stringify(subject) : JSON.stringify(rule);
    const known = bySubject.get(key);
    bySubject.set(key, known === undefined ? rule : { ...known, verbs: [...known.verbs, ...verbs] });
  }
  return [...bySubject.values()];
}

/** As upstream writes a rule in one line. */
export function describeRule({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts: readonly [string, readonly string[] | undefined][] = [
    ["APIGroups", apiGroups],
    ["Resources", resources],
    ["NonResourceURLs", nonResourceURLs],
    ["ResourceNames", resourceNames],
    ["Verbs", verbs],
  ];
  const shown = parts.flatMap(([name, values]) => (values === undefined || values.length === 0 ? [] : `${name}:${goList(values)}`));
  return `{${shown.join(", ")}}`;
}

function atomsOf({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): Atom[] {
  const names = resourceNames.length === 0 ? [undefined] : resourceNames;
  return [
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) => names.map((resourceName) => ({ verb, group, resource, ...(resourceName !== undefined && { resourceName }) }))),
      ),
    ),
    ...nonResourceURLs.flatMap((path) => verbs.map((verb) => ({ verb, path }))),
  ];
}

function ruleOf({ verb, group, resource, resourceName, path }: Atom): PolicyRule {
  if (path !== undefined) return { verbs: [verb], nonResourceURLs: [path] };
  return { verbs: [verb], apiGroups: [group!], resources: [resource!], ...(resourceName !== undefined && { resourceNames: [resourceName] }) };
}

function covers({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule, { verb, group, resource, resourceName, path }: Atom): boolean {
  if (!verbs.includes("*") && !verbs.includes(verb)) return false;
  if (path !== undefined) return (nonResourceURLs ?? []).some((held) => coversPath(held, path));
  if (!apiGroups?.includes("*") && !apiGroups?.includes(group!)) return false;
  if (!coversResource(resources ?? [], resource!)) return false;
  const names = resourceNames ?? [];
  return names.length === 0 || (resourceName !== undefined && names.includes(resourceName));
}

function coversResource(held: readonly string[], resource: string): boolean {
  if (held.includes("*") || held.includes(resource)) return true;
  const slash = resource.indexOf("/");
  return slash >= 0 && held.includes(`*${resource.slice(slash)}`);
}

function coversPath(held: string, path: string): boolean {
  return held === path || (held.endsWith("*") && path.startsWith(held.replace(/\*+$/, "")));
}
