import { RESOURCE_QUOTAS } from "#api/builtin.ts";
import { quotaEvaluator, type QuotaEvaluator } from "#api/core-v1/resource-quota/evaluators.ts";
import type { ResourceQuota } from "#api/core-v1/types.ts";
import type { ResourceInfo } from "#api/resources.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { charge } from "#apiserver/admission/quota/charge.ts";
import type { ObjectReader, ObjectWriter } from "#apiserver/admission/reader.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";
import type { Clock } from "#lib/clock.ts";

/** Somebody else writes the quota's status in between. */
const MAX_ATTEMPTS = 16;

export interface QuotaDeps {
  readonly reader: ObjectReader;
  readonly writer: ObjectWriter;
  readonly clock: Clock;
  readonly resources: ResourceTable;
}

interface Waiting {
  readonly attributes: AdmissionAttributes;
  readonly evaluator: QuotaEvaluator;
  readonly settle: (refusal?: unknown) => void;
}

/** Keeps namespaces within their quotas: what a write uses is in the quota's status before the write is done. */
export function resourceQuotaAdmission(deps: QuotaDeps): AdmissionPlugin {
  const ledger = new QuotaLedger(deps);
  const evaluators = new WeakMap<ResourceInfo, { readonly evaluator: QuotaEvaluator | undefined }>();
  /** What a kind of an old group becomes counts as that. */
  const evaluatorOf = (info: ResourceInfo) => {
    let known = evaluators.get(info);
    if (known === undefined) {
      const { group, plural } = deps.resources.get(info.group, info.version, info.plural)?.view?.stored ?? info;
      evaluators.set(info, (known = { evaluator: quotaEvaluator(group, plural) }));
    }
    return known.evaluator;
  };
  return {
    name: "ResourceQuota",
    handles: ({ operation }) => operation === "CREATE" || operation === "UPDATE",
    validate(attributes) {
      const { namespace, resource } = attributes;
      if (namespace === "" || (resource.kind === "Namespace" && resource.group === "")) return;
      const evaluator = evaluatorOf(resource);
      if (!evaluator?.handles(attributes) || deps.reader.list(RESOURCE_QUOTAS, namespace).length === 0) return;
      return ledger.enter(attributes, evaluator);
    },
  };
}

/**
 * Counts the writes of one namespace one after another. Those that come while a count is being written are counted together, so
 * that a burst costs few writes of the quota.
 */
class QuotaLedger {
  readonly #deps: QuotaDeps;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(deps: QuotaDeps) {
    this.#deps = deps;
  }

  /** @throws {StatusError} 403 when the write does not fit */
  enter(attributes: AdmissionAttributes, evaluator: QuotaEvaluator): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (refusal?: unknown) => (refusal === undefined ? resolve() : reject(refusal as Error));
      const entry = { attributes, evaluator, settle };
      const queue = this.#waiting.get(attributes.namespace);
      if (queue !== undefined) return void queue.push(entry);
      this.#waiting.set(attributes.namespace, [entry]);
      void this.#work(attributes.namespace);
    });
  }

  async #work(namespace: string): Promise<void> {
    for (;;) {
      const batch = this.#waiting.get(namespace)!;
      if (batch.length === 0) break;
      this.#waiting.set(namespace, []);
      await this.#settle(namespace, batch);
    }
    this.#waiting.delete(namespace);
  }

  async #settle(namespace: string, batch: readonly Waiting[]): Promise<void> {
    let open = batch;
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS && open.length > 0; attempt++) {
        const standing = this.#deps.reader.list(RESOURCE_QUOTAS, namespace);
        const { quotas, counted } = this.#count(standing, open);
        open = counted;
        const changed = quotas.filter((quota, i) => quota !== standing[i]);
        if (changed.length > 0 && !(await this.#deps.writer.replace(RESOURCE_QUOTAS, changed))) continue;
        for (const { settle } of open) settle();
        return;
      }
      for (const { attributes, settle } of open)
        settle(statusError.conflict({ group: "", resource: "resourcequotas" }, attributes.namespace, "its status keeps changing"));
    } catch (error) {
      for (const { settle } of open) settle(error);
    }
  }

  /** Settles what is refused or changes nothing; `counted` waits for the quotas to be written. */
  #count(standing: readonly ResourceQuota[], batch: readonly Waiting[]): { quotas: readonly ResourceQuota[]; counted: Waiting[] } {
    const nowMs = this.#deps.clock.now();
    const counted: Waiting[] = [];
    let quotas = standing;
    for (const entry of batch) {
      try {
        const next = charge(quotas, entry.attributes, entry.evaluator, nowMs);
        if (entry.attributes.dryRun || next.every((quota, i) => quota === quotas[i])) {
          entry.settle();
          continue;
        }
        quotas = next;
        counted.push(entry);
      } catch (error) {
        entry.settle(error);
      }
    }
    return { quotas, counted };
  }
}
