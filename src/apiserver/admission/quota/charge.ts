import type { ResourceQuota } from "#api/core-v1/types.ts";
import { amountsOf, exceeding, growthOf, onlyOf, sumOf, withoutZeros } from "#api/core-v1/resource-quota/amounts.ts";
import { isBoundBy, type QuotaEvaluator } from "#api/core-v1/resource-quota/evaluators.ts";
import { type Quantities, resourceListOf } from "#api/core-v1/pod-spec/resource-list.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { signOf } from "#apimachinery/quantity.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";

type Charged = Pick<AdmissionAttributes, "operation" | "resource" | "subresource" | "object" | "oldObject" | "name">;

/**
 * The quotas as they are once the write has been counted; those it does not concern are the same objects.
 *
 * @throws {StatusError} 403 when it does not fit
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go CheckRequest
 */
export function charge(quotas: readonly ResourceQuota[], write: Charged, evaluator: QuotaEvaluator, nowMs: number): readonly ResourceQuota[] {
  const object = write.object as KubeObject;
  const bounding = quotas.filter((quota) => isBoundBy(quota, evaluator, object));
  for (const quota of bounding) checkConstraints(write, quota, evaluator, object);
  if (bounding.length === 0) return quotas;

  const usage = evaluator.usage(object, nowMs);
  const negative = [...usage].filter(([, amount]) => signOf(amount) < 0).map(([name]) => name);
  if (negative.length > 0) throw forbidden(write, `quota usage is negative for resource(s): ${negative.sort().join(",")}`);

  return quotas.map((quota) => (bounding.includes(quota) ? charged(write, quota, addedUsage(write, quota, evaluator, usage, nowMs)) : quota));
}

function checkConstraints(write: Charged, { metadata, status }: ResourceQuota, evaluator: QuotaEvaluator, object: KubeObject): void {
  const bound = evaluator.matching(Object.keys(status.hard ?? {}));
  const missing = evaluator.missing?.(bound, object);
  if (missing !== undefined) throw forbidden(write, `failed quota: ${metadata.name}: ${missing}`);
  if (bound.every((name) => status.used?.[name] !== undefined)) return;
  throw forbidden(write, `status unknown for quota: ${metadata.name}, resources: ${bound.toSorted().join(",")}`);
}

/** An update counts by what it adds, unless the object was out of the quota's sight before. */
function addedUsage(write: Charged, quota: ResourceQuota, evaluator: QuotaEvaluator, usage: Quantities, nowMs: number): Quantities {
  const { operation, oldObject } = write;
  if (operation !== "UPDATE") return usage;
  if (oldObject === undefined) throw forbidden(write, "unable to get previous usage since prior version of object was not found");
  return isBoundBy(quota, evaluator, oldObject) ? growthOf(usage, evaluator.usage(oldObject, nowMs)) : usage;
}

function charged(write: Charged, quota: ResourceQuota, added: Quantities): ResourceQuota {
  const { metadata, status } = quota;
  const hard = amountsOf(status.hard);
  const requested = onlyOf(withoutZeros(added), new Set(hard.keys()));
  if (requested.size === 0) return quota;
  const before = amountsOf(status.used);
  const used = sumOf(before, requested);
  if (write.subresource !== "status") {
    const over = exceeding(onlyOf(used, new Set(requested.keys())), hard);
    if (over.size > 0) {
      const [asked, has, limit] = [requested, before, hard].map((amounts) => shown(onlyOf(amounts, over)));
      throw forbidden(write, `exceeded quota: ${metadata.name}, requested: ${asked}, used: ${has}, limited: ${limit}`);
    }
  }
  return { ...quota, status: { ...status, used: resourceListOf(used) } };
}

function shown(amounts: Quantities): string {
  const list = resourceListOf(amounts);
  return Object.keys(list)
    .sort()
    .map((name) => `${name}=${list[name]}`)
    .join(",");
}
