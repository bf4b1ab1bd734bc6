import type { ValidatingAdmissionPolicy } from "#api/admissionregistration-v1/types.ts";
import type { Resource } from "#api/resources.ts";

const MAX_KINDS = 10;

/**
 * The kinds that a policy names, of those that are served; rules with wildcards name none.
 *
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go typesToCheck
 */
export function kindsToCheck({ spec }: ValidatingAdmissionPolicy, served: readonly Resource[]): readonly Resource[] {
  const found = new Map<string, Resource>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of spec.matchConstraints?.resourceRules ?? []) {
    if ([...apiGroups, ...apiVersions].some((name) => name.includes("*"))) continue;
    const plurals = resources.filter((name) => !/[*/]/.test(name));
    let count = 0;
    for (const [group, version, plural] of combined(apiGroups, apiVersions, plurals)) {
      for (const resource of served.filter((each) => isMeant(each, group, version, plural))) {
        found.set(nameOf(resource), resource);
        if (++count === MAX_KINDS) return sorted(found);
      }
    }
  }
  return sorted(found);
}

/** As a warning names a kind. */
export function nameOf({ group, version, kind }: Pick<Resource, "group" | "version" | "kind">): string {
  return `${group}/${version}, Kind=${kind}`;
}

/** Without a group any will do: so upstream's mapper has it. */
function isMeant(resource: Resource, group: string, version: string, plural: string): boolean {
  if (resource.version !== version || (group !== "" && resource.group !== group)) return false;
  return resource.plural === plural || resource.kind.toLowerCase() === plural;
}

function* combined(...lists: readonly [readonly string[], readonly string[], readonly string[]]): Generator<readonly [string, string, string]> {
  const [groups, versions, plurals] = lists.map((list) => [...list].sort()) as [string[], string[], string[]];
  for (const group of groups) for (const version of versions) for (const plural of plurals) yield [group, version, plural];
}

function sorted(found: ReadonlyMap<string, Resource>): readonly Resource[] {
  const key = ({ group, version, kind }: Resource) => [group, version, kind].join("\0");
  return [...found.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
