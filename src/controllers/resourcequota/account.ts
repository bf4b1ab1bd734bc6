import { negativeOf } from "#api/core-v1/resource-quota/amounts.ts";
import { type QuotaEvaluator, scopesOf } from "#api/core-v1/resource-quota/evaluators.ts";
import type { Quantities } from "#api/core-v1/pod-spec/resource-list.ts";
import type { ResourceQuota } from "#api/core-v1/types.ts";
import { keyOf, type KubeObject } from "#apimachinery/object.ts";
import { addQuantities, compareQuantities, parseQuantity, signOf, ZERO_QUANTITY, type Quantity } from "#apimachinery/quantity.ts";

/** What objects of one kind use of the quota's resources, in the order of the ledger's names. */
type Share = readonly Quantity[];

interface Ledger {
  readonly evaluator: QuotaEvaluator;
  /** Those of the quota's resources that the kind uses. */
  readonly names: readonly string[];
  readonly shares: Map<string, Share>;
  /** Objects on their way out, which cost less once their time is over. */
  readonly leaving: Map<string, KubeObject>;
  sum: Share;
}

/** Whether a change left the quota's status with too much, or shows that it says too little. */
export type Effect = "none" | "less" | "more";

/**
 * What the objects of a namespace use of one quota, kept up object by object: a change costs what it changes, however many others there are.
 *
 * Replicas have one share between them, so an object costs an entry in a map.
 */
export class QuotaAccount {
  readonly #scopes: ReturnType<typeof scopesOf>;
  readonly #ledgers = new Map<string, Ledger>();
  readonly #known = new Map<string, Share>();

  /** @param kinds what the quota counts, by any name the caller likes */
  constructor({ spec }: Pick<ResourceQuota, "spec">, kinds: ReadonlyMap<string, QuotaEvaluator>) {
    this.#scopes = scopesOf(spec);
    const hard = Object.keys(spec?.hard ?? {});
    for (const [kind, evaluator] of kinds) {
      const names = evaluator.matching(hard);
      this.#ledgers.set(kind, { evaluator, names, shares: new Map(), leaving: new Map(), sum: names.map(() => ZERO_QUANTITY) });
    }
  }

  counts(kind: string): boolean {
    return this.#ledgers.has(kind);
  }

  /** Counts an object, as it is now, for what it was. */
  put(kind: string, object: KubeObject, nowMs: number): Effect {
    const ledger = this.#ledgers.get(kind);
    if (ledger === undefined) return "none";
    const key = keyOf(object);
    if (object.metadata.deletionTimestamp === undefined) ledger.leaving.delete(key);
    else ledger.leaving.set(key, object);
    return this.#replace(ledger, key, this.#shareOf(ledger, object, nowMs));
  }

  remove(kind: string, object: KubeObject): Effect {
    const ledger = this.#ledgers.get(kind);
    if (ledger === undefined) return "none";
    const key = keyOf(object);
    ledger.leaving.delete(key);
    return this.#replace(ledger, key, undefined);
  }

  /** Looks again at what changes by the clock alone. */
  refresh(nowMs: number): void {
    for (const ledger of this.#ledgers.values()) for (const [key, object] of ledger.leaving) this.#replace(ledger, key, this.#shareOf(ledger, object, nowMs));
  }

  /** The sums of those kinds that `isKnown`; a kind that is not says nothing of its resources. */
  used(isKnown: (kind: string) => boolean): Quantities {
    const used: Quantities = new Map();
    const unknown = new Set<string>();
    for (const [kind, { names, sum }] of this.#ledgers) {
      names.forEach((name, i) => {
        if (!isKnown(kind)) unknown.add(name);
        used.set(name, addQuantities(used.get(name) ?? ZERO_QUANTITY, sum[i]!));
      });
    }
    for (const name of unknown) used.delete(name);
    return used;
  }

  /** Whether more is used than `status.used` says. */
  exceeds(kind: string, { status }: ResourceQuota): boolean {
    const ledger = this.#ledgers.get(kind);
    return ledger?.names.some((name, i) => compareQuantities(ledger.sum[i]!, parseQuantity(status?.used?.[name] ?? "0")) > 0) ?? false;
  }

  #shareOf({ evaluator, names }: Ledger, object: KubeObject, nowMs: number): Share | undefined {
    if (!this.#scopes.every((scope) => evaluator.inScope(scope, object))) return undefined;
    const usage = evaluator.usage(object, nowMs);
    const share = names.map((name) => usage.get(name) ?? ZERO_QUANTITY);
    const id = share.map(({ digits, exponent, format }) => `${digits}e${exponent}${format}`).join();
    const known = this.#known.get(id);
    if (known === undefined) this.#known.set(id, share);
    return known ?? share;
  }

  #replace(ledger: Ledger, key: string, next: Share | undefined): Effect {
    const before = ledger.shares.get(key);
    if (next === undefined) ledger.shares.delete(key);
    else ledger.shares.set(key, next);
    if (before === next) return "none";
    let effect: Effect = "none";
    ledger.sum = ledger.sum.map((sum, i) => {
      const change = addQuantities(next?.[i] ?? ZERO_QUANTITY, negativeOf(before?.[i] ?? ZERO_QUANTITY));
      const sign = signOf(change);
      if (sign < 0) effect = "less";
      else if (sign > 0 && effect === "none") effect = "more";
      return sign === 0 ? sum : addQuantities(sum, change);
    });
    return effect;
  }
}
