import type { ResourceInfo } from "#api/resources.ts";
import type { StrategyContext } from "#api/strategy.ts";
import type { AdmissionChain } from "#apiserver/admission/admission.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import type { RequestContext, ResourceHooks } from "#apiserver/registry/types.ts";
import { formatTime } from "#lib/clock.ts";
import type { Clock } from "#lib/clock.ts";
import type { Rng } from "#lib/rng.ts";

/** What the generic registry works with. */
export interface RegistryDeps {
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly rng: Rng;
  /** A random UUID for a new object. */
  readonly newUid: () => string;
  readonly admission: AdmissionChain;
  readonly authorizer: Authorizer;
  /** What resources do around their commits. */
  readonly hooks: (info: ResourceInfo) => ResourceHooks | undefined;
}

export function strategyContext(deps: RegistryDeps, { user }: RequestContext): StrategyContext {
  return { now: formatTime(deps.clock.now()), user };
}
