import { RESOURCE_QUOTAS } from "#api/builtin.ts";
import { sameList } from "#api/core-v1/resource-quota/amounts.ts";
import { quotaEvaluator, type QuotaEvaluator } from "#api/core-v1/resource-quota/evaluators.ts";
import type { ResourceQuota } from "#api/core-v1/types.ts";
import { resourceInfo, type Resource } from "#api/resources.ts";
import { keyOf, type KubeObject, type ObjectKey } from "#apimachinery/object.ts";
import type { Informer } from "#client/informer.ts";
import type { WorkQueue } from "#client/work-queue.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { QuotaAccount, type Effect } from "#controllers/resourcequota/account.ts";
import { isUncounted, quotaStatus } from "#controllers/resourcequota/reconcile.ts";
import { sleep } from "#lib/clock.ts";
import { sameJson } from "#lib/same-json.ts";

/** What no event tells of, as a count that was reserved for a write that failed, is put right then. */
const RESYNC_MS = 5 * 60_000;

/** A kind that some quota counts. */
interface Followed {
  readonly informer: Informer<KubeObject>;
  readonly version: string;
  readonly stop: () => void;
  /** Whether all objects have been seen. */
  isComplete: boolean;
}

type Countable = ReadonlyMap<string, { readonly resource: Resource; readonly evaluator: QuotaEvaluator }>;

interface Entry {
  readonly key: ObjectKey;
  readonly spec: ResourceQuota["spec"];
  readonly account: QuotaAccount;
}

/**
 * Keeps in each quota's status what its namespace uses. Admission counts what comes; this counts what was there before, and what goes.
 *
 * Only kinds that a quota names are followed, and only namespaces with quotas are counted.
 */
export class ResourceQuotas {
  readonly #deps: ControllerDeps;
  readonly #resources: () => readonly Resource[];
  readonly #quotas: Informer<ResourceQuota>;
  readonly #urgent: WorkQueue;
  readonly #usual: WorkQueue;
  readonly #followed = new Map<string, Followed>();
  /** By namespace. */
  readonly #entries = new Map<string, Map<ObjectKey, Entry>>();
  #countable: Countable | undefined;

  constructor(deps: ControllerDeps, resources: () => readonly Resource[]) {
    this.#deps = deps;
    this.#resources = resources;
    const sync = (key: ObjectKey) => this.#sync(key);
    this.#urgent = queueFor(deps, { name: "resourcequota_priority", sync });
    this.#usual = queueFor(deps, { name: "resourcequota_primary", sync });
    this.#quotas = deps.informers.informer(RESOURCE_QUOTAS);
    this.#quotas.onChange({
      added: (quota) => this.#enqueue(quota),
      updated: (quota, before) => {
        if (!sameJson(quota.spec, before.spec) || !sameList(quota.spec?.hard, quota.status?.hard)) this.#enqueue(quota);
      },
      deleted: (quota) => this.#forget(quota),
    });
    const resync = deps.clock.every(RESYNC_MS, () => this.#resync());
    deps.signal.addEventListener("abort", () => resync.cancel(), { once: true });
  }

  /** To be called when other resources are served than before. */
  resourcesChanged(): void {
    this.#countable = undefined;
    const moved = new Set<string>();
    for (const [kind, { version, stop }] of this.#followed) {
      const now = this.#resourcesToCount().get(kind)?.resource.version ?? version;
      if (now === version) continue;
      stop();
      this.#followed.delete(kind);
      moved.add(kind);
    }
    for (const entries of this.#entries.values()) {
      for (const { key, spec, account } of entries.values()) {
        if ([...this.#kindsOf(spec).keys()].every((kind) => account.counts(kind) && !moved.has(kind))) continue;
        entries.delete(key);
        this.#usual.add(key);
      }
    }
  }

  #enqueue(quota: ResourceQuota): void {
    const isCountable = (name: string) => [...this.#resourcesToCount().values()].some(({ evaluator }) => evaluator.matching([name]).length > 0);
    (isUncounted(quota, isCountable) ? this.#urgent : this.#usual).add(keyOf(quota));
  }

  #forget({ metadata }: ResourceQuota): void {
    const { namespace = "" } = metadata;
    const entries = this.#entries.get(namespace);
    entries?.delete(keyOf({ metadata }));
    if (entries?.size === 0) this.#entries.delete(namespace);
  }

  #resync(): void {
    const nowMs = this.#deps.clock.now();
    for (const entries of this.#entries.values()) for (const { account } of entries.values()) account.refresh(nowMs);
    for (const quota of this.#quotas.list()) this.#usual.add(keyOf(quota));
  }

  async #sync(key: ObjectKey): Promise<void> {
    const seen = this.#quotas.get(key);
    if (seen === undefined) return;
    if (this.#entryOf(key) === undefined) {
      for (const kind of this.#kindsOf(seen.spec).keys()) this.#follow(kind);
      // To count a large namespace takes a while: others get their turn in between.
      await sleep(this.#deps.clock, 0, this.#deps.signal);
    }
    const quota = this.#quotas.get(key);
    if (quota === undefined) return;
    const { account } = this.#entryOf(key) ?? this.#open(quota);
    const status = quotaStatus(
      quota,
      account.used((kind) => this.#followed.get(kind)?.isComplete ?? false),
    );
    if (status !== undefined) await this.#deps.client.updateStatus(RESOURCE_QUOTAS, { ...quota, status }).catch(ignoreNotFound);
  }

  /** The quota's account, if it is about what the quota is about now. */
  #entryOf(key: ObjectKey): Entry | undefined {
    const quota = this.#quotas.get(key);
    const entry = this.#entries.get(quota?.metadata.namespace ?? "")?.get(key);
    return sameJson(entry?.spec, quota?.spec) ? entry : undefined;
  }

  /** Counts everything once; from then on `#changed` keeps the account. */
  #open(quota: ResourceQuota): Entry {
    const { namespace = "" } = quota.metadata;
    const kinds = this.#kindsOf(quota.spec);
    const account = new QuotaAccount(quota, kinds);
    const entry: Entry = { key: keyOf(quota), spec: quota.spec, account };
    const nowMs = this.#deps.clock.now();
    for (const kind of kinds.keys()) for (const object of this.#follow(kind).informer.inNamespace(namespace)) account.put(kind, object, nowMs);
    let entries = this.#entries.get(namespace);
    if (entries === undefined) this.#entries.set(namespace, (entries = new Map()));
    entries.set(entry.key, entry);
    return entry;
  }

  #follow(kind: string): Followed {
    const followed = this.#followed.get(kind);
    if (followed !== undefined) return followed;
    const { resource } = this.#resourcesToCount().get(kind)!;
    const informer = this.#deps.informers.informer(resource);
    const put = (object: KubeObject) => this.#changed(kind, object, (account) => account.put(kind, object, this.#deps.clock.now()));
    const remove = (object: KubeObject) => this.#changed(kind, object, (account) => account.remove(kind, object));
    const stop = informer.onChange({ added: put, updated: put, deleted: remove });
    const begun: Followed = { informer, version: resource.version, stop, isComplete: false };
    this.#followed.set(kind, begun);
    void informer.synced.then(() => this.#completed(kind, begun));
    return begun;
  }

  #completed(kind: string, followed: Followed): void {
    followed.isComplete = true;
    for (const entries of this.#entries.values()) for (const { key, account } of entries.values()) if (account.counts(kind)) this.#usual.add(key);
  }

  /**
   * What goes is written at once. What comes has been counted by admission, perhaps with more that is still on its way: only a figure that turns out too
   * small is looked at.
   */
  #changed(kind: string, { metadata }: KubeObject, apply: (account: QuotaAccount) => Effect): void {
    const entries = this.#entries.get(metadata.namespace ?? "");
    if (entries === undefined) return;
    for (const { key, account } of entries.values()) {
      const effect = apply(account);
      if (effect === "none") continue;
      const quota = this.#quotas.get(key);
      if (quota !== undefined && (effect === "less" || account.exceeds(kind, quota))) this.#usual.add(key);
    }
  }

  /** The kinds of which a quota bounds something. */
  #kindsOf(spec: ResourceQuota["spec"]): ReadonlyMap<string, QuotaEvaluator> {
    const hard = Object.keys(spec?.hard ?? {});
    const kinds = new Map<string, QuotaEvaluator>();
    for (const [kind, { evaluator }] of this.#resourcesToCount()) if (evaluator.matching(hard).length > 0) kinds.set(kind, evaluator);
    return kinds;
  }

  #resourcesToCount(): Countable {
    if (this.#countable !== undefined) return this.#countable;
    const countable = new Map<string, { resource: Resource; evaluator: QuotaEvaluator }>();
    for (const resource of this.#resources()) {
      const { group, version, plural, namespaced } = resource;
      const verbs = resourceInfo(group, version, plural)?.verbs;
      const evaluator = quotaEvaluator(group, plural);
      if (!namespaced || evaluator === undefined || verbs?.includes("create") === false || verbs?.includes("watch") === false) continue;
      countable.set(`${group}/${plural}`, { resource, evaluator });
    }
    return (this.#countable = countable);
  }
}
