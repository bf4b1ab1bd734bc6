import type { MatchResources, ParamKind, ParamRef } from "#api/admissionregistration-v1/types.ts";
import type { ResourceInfo } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { isClusterWide, Match } from "#apiserver/admission/policies/matching.ts";
import { paramResource, paramsOf } from "#apiserver/admission/policies/params.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Versions } from "#apiserver/admission/webhooks/versions.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";

export interface PolicyDeps {
  readonly reader: ObjectReader;
  readonly resources: ResourceTable;
  readonly versions: Versions;
  readonly authorizer: Authorizer;
}

/** What policies of all kinds have. */
export interface AnyPolicy extends KubeObject {
  readonly spec: { readonly paramKind?: ParamKind | undefined; readonly matchConstraints?: MatchResources | undefined };
}

export interface AnyBinding extends KubeObject {
  readonly spec: { readonly policyName?: string | undefined; readonly paramRef?: ParamRef | undefined; readonly matchResources?: MatchResources | undefined };
}

/** A policy with its bindings, its expressions compiled. */
export interface BoundPolicy<P extends AnyPolicy, B extends AnyBinding, C> {
  readonly policy: P;
  readonly match: Match;
  readonly compiled: C;
  readonly bindings: readonly { readonly binding: B; readonly match: Match }[];
}

/** A policy as one of its bindings has it look at a request. */
export interface Invocation<B extends AnyBinding> {
  readonly binding: B;
  /** As which resource the request is seen. */
  readonly as: ResourceInfo;
  /** It is evaluated with each; `undefined` stands for none. */
  readonly params: readonly (KubeObject | undefined)[];
}

/** Why a policy cannot be asked. */
export interface Misconfiguration {
  /** Where it is the binding's fault. */
  readonly binding: string | undefined;
  readonly message: string;
}

/** More kinds of requests than there are resources: reached only by a fault. */
const MAX_KINDS_OF_REQUESTS = 10_000;

/** All policies that are bound, and which of them each kind of request may concern: a request that concerns none costs a look into a map. */
export class BoundPolicies<P extends AnyPolicy, B extends AnyBinding, C> {
  readonly #all: readonly BoundPolicy<P, B, C>[];
  readonly #deps: PolicyDeps;
  readonly #byRequest = new Map<string, readonly BoundPolicy<P, B, C>[]>();
  /** What was served when `#byRequest` was begun: it decides which resources are equivalent. */
  #served: unknown;

  /** Policies that nothing binds do nothing; the others are asked in the order of their names. */
  constructor(policies: readonly P[], bindings: readonly B[], compile: (policy: P) => C, deps: PolicyDeps) {
    const named = <T extends KubeObject>(list: readonly T[]) => list.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const byPolicy = Map.groupBy(named(bindings), ({ spec }) => spec.policyName ?? "");
    this.#deps = deps;
    this.#all = named(policies).flatMap((policy) => {
      const bound = (byPolicy.get(policy.metadata.name) ?? []).map((binding) => ({ binding, match: new Match(binding.spec.matchResources) }));
      return bound.length === 0 ? [] : [{ policy, match: new Match(policy.spec.matchConstraints), compiled: compile(policy), bindings: bound }];
    });
  }

  /** Those whose rules take such requests; names, selectors and exclusions are still to be looked at. */
  concerning(attributes: AdmissionAttributes): readonly BoundPolicy<P, B, C>[] {
    const { operation, resource, subresource } = attributes;
    const served = this.#deps.resources.infos;
    if (served !== this.#served) this.#byRequest.clear();
    this.#served = served;
    const key = `${operation} ${resource.group}/${resource.version}/${resource.plural}/${subresource}${isClusterWide(attributes) ? " cluster" : ""}`;
    let found = this.#byRequest.get(key);
    if (found === undefined) {
      const equivalents = this.#equivalents();
      found = this.#all.filter(({ match }) => match.mayConcern(attributes, equivalents));
      if (this.#byRequest.size >= MAX_KINDS_OF_REQUESTS) this.#byRequest.clear();
      this.#byRequest.set(key, found);
    }
    return found;
  }

  /** How a policy is to be asked, and what keeps it from that. */
  invocations(bound: BoundPolicy<P, B, C>, attributes: AdmissionAttributes): readonly (Invocation<B> | Misconfiguration)[] {
    const { reader, resources } = this.#deps;
    const equivalents = this.#equivalents();
    const misconfigured = (what: string, error: unknown, binding?: string): Misconfiguration => ({
      binding,
      message: `failed to configure ${what}: ${(error as Error).message}`,
    });
    let as: ResourceInfo | undefined;
    let params: ResourceInfo | undefined;
    try {
      as = bound.match.seenAs(attributes, reader, equivalents);
      if (as === undefined) return [];
      params = paramResource(bound.policy.spec.paramKind, resources.infos);
    } catch (error) {
      return [misconfigured("policy", error)];
    }
    const seen = as;
    return bound.bindings.flatMap(({ binding, match }): (Invocation<B> | Misconfiguration)[] => {
      try {
        if (match.seenAs(attributes, reader, equivalents) === undefined) return [];
        return [{ binding, as: seen, params: paramsOf(params, binding.spec.paramRef, attributes.namespace, reader) }];
      } catch (error) {
        return [misconfigured("binding", error, binding.metadata.name)];
      }
    });
  }

  #equivalents(): Parameters<Match["seenAs"]>[2] {
    return (resource, subresource) => this.#deps.versions.equivalentsOf(resource, subresource);
  }
}
