import type { Resource, ResourceInfo } from "#api/resources.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { ObjectReader, ObjectWatcher } from "#apiserver/admission/reader.ts";
import { type Hook, type HookConfiguration, hooksOf } from "#apiserver/admission/webhooks/hook.ts";
import { ruleMatches, type RuleSubject } from "#apiserver/admission/webhooks/rules.ts";

/** A webhook whose rules take a request. */
export interface Candidate {
  readonly hook: Hook;
  /** Its place among all webhooks. */
  readonly index: number;
  /** As which resource it is told of the request: an equivalent one, where no rule names the request's own. */
  readonly as: ResourceInfo;
}

/** Resources that show the same stored objects in other groups or versions, without `resource` itself. */
export type EquivalentsOf = (resource: ResourceInfo, subresource: string) => readonly ResourceInfo[];

/** More kinds of requests than there are resources: reached only by a fault. */
const MAX_KINDS_OF_REQUESTS = 10_000;

const NONE: readonly Candidate[] = [];

/**
 * The webhooks of all configurations, and which of them each kind of request concerns. The answer is remembered until a
 * configuration changes, so that a request which concerns none of them costs one look into a map.
 */
export class HookSource {
  readonly #reader: ObjectReader;
  readonly #resource: Resource<HookConfiguration>;
  readonly #equivalentsOf: EquivalentsOf;
  #hooks: readonly Hook[] | undefined;
  readonly #candidates = new Map<string, readonly Candidate[]>();
  readonly #served: () => unknown;
  /** What was served when `#candidates` was begun: it decides which resources are equivalent. */
  #seen: unknown;

  /** @param served the same for as long as the same resources are served */
  constructor(reader: ObjectReader, watcher: ObjectWatcher, resource: Resource<HookConfiguration>, equivalentsOf: EquivalentsOf, served: () => unknown) {
    this.#served = served;
    this.#reader = reader;
    this.#resource = resource;
    this.#equivalentsOf = equivalentsOf;
    watcher.onChange(resource, () => {
      this.#hooks = undefined;
      this.#candidates.clear();
    });
  }

  /** In the order in which they are asked. */
  candidates({ operation, resource, subresource, namespace }: AdmissionAttributes): readonly Candidate[] {
    const hooks = (this.#hooks ??= hooksOf(this.#reader.list(this.#resource, "")));
    if (hooks.length === 0 || isExempt(resource)) return NONE;
    const served = this.#served();
    if (served !== this.#seen) this.#candidates.clear();
    this.#seen = served;
    const { group, version, plural, kind } = resource;
    const isClusterWide = namespace === "" || (kind === "Namespace" && group === "");
    const key = `${operation} ${group}/${version}/${plural}/${subresource}${isClusterWide ? " cluster" : ""}`;
    let found = this.#candidates.get(key);
    if (found === undefined) {
      found = hooks.flatMap((hook, index) => {
        const as = this.#seenAs(hook, resource, { operation, group, version, plural, subresource, isClusterWide });
        return as === undefined ? [] : [{ hook, index, as }];
      });
      if (this.#candidates.size >= MAX_KINDS_OF_REQUESTS) this.#candidates.clear();
      this.#candidates.set(key, found);
    }
    return found;
  }

  #seenAs(hook: Hook, resource: ResourceInfo, subject: RuleSubject): ResourceInfo | undefined {
    if (hook.rules.some((rule) => ruleMatches(rule, subject))) return resource;
    if (!hook.takesEquivalents) return undefined;
    const others = this.#equivalentsOf(resource, subject.subresource);
    for (const rule of hook.rules) {
      const as = others.find(({ group, version, plural }) => ruleMatches(rule, { ...subject, group, version, plural }));
      if (as !== undefined) return as;
    }
    return undefined;
  }
}

const EXEMPT = new Set(
  ["ValidatingWebhook", "MutatingWebhook"]
    .map((name) => `${name}Configuration`)
    .concat(["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"].flatMap((name) => [name, `${name}Binding`])),
);

/** A webhook that refuses everything must not keep itself from being removed. */
export function isExempt({ group, kind }: Pick<ResourceInfo, "group" | "kind">): boolean {
  return group === "admissionregistration.k8s.io" && EXEMPT.has(kind);
}
