import { builtin } from "#api/resources.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { Eviction, PodDisruptionBudget } from "#api/policy-v1/types.ts";
import { selectorOf } from "#apimachinery/label-selector.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import { failure, statusError } from "#apimachinery/status-error.ts";
import { deleteObject } from "#apiserver/registry/delete.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { checkDeleteOptions } from "#apiserver/registry/options.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";
import { rewrite } from "#apiserver/registry/rewrite.ts";
import type { SubresourceHandler, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import { formatTime } from "#lib/clock.ts";

const BUDGETS = builtin<PodDisruptionBudget>("policy", "v1", "poddisruptionbudgets");
const PODS = builtin<Pod>("", "v1", "pods");
const SUCCESS = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };

/** `pods/eviction`: deletes a pod unless a disruption budget is against it. */
export function evictionHandler(deps: RegistryDeps, resources: ResourceTable, reader: ObjectReader): SubresourceHandler {
  return {
    group: "",
    plural: "pods",
    subresource: "eviction",
    create: (request) => evict(deps, resources, reader, request),
  };
}

async function evict(deps: RegistryDeps, resources: ResourceTable, reader: ObjectReader, request: SubresourceWrite): Promise<object> {
  const { namespace, name, context, dryRun } = request;
  const { deleteOptions = {}, metadata } = request.body as unknown as Eviction;
  if (metadata.name !== name) throw statusError.badRequest("name in URL does not match name in Eviction object");
  checkDeleteOptions(deleteOptions);
  const pod = reader.lookup(PODS, namespace, name);
  if (pod === undefined) throw statusError.notFound({ group: "", resource: "pods" }, name);
  const dry = dryRun || (deleteOptions.dryRun?.length ?? 0) > 0;
  if (!ignoresBudgets(pod)) await spend(deps, reader, pod, dry);
  const options = { ...deleteOptions, ...(dry && { dryRun: ["All"] }) };
  await deleteObject(deps, { served: resources.get("", "v1", "pods")!, namespace, name, options, context, isAdmitted: true });
  return SUCCESS;
}

/** A pod that does not run, or is going already, costs no budget. */
function ignoresBudgets({ status, metadata }: Pod): boolean {
  const phase = status?.phase;
  return phase === "Succeeded" || phase === "Failed" || phase === "Pending" || metadata.deletionTimestamp !== undefined;
}

async function spend(deps: RegistryDeps, reader: ObjectReader, pod: Pod, dryRun: boolean): Promise<void> {
  const { namespace = "", labels, name } = pod.metadata;
  const budgets = reader.list(BUDGETS, namespace).filter(({ spec }) => selectorOf(spec?.selector).matches(labels));
  if (budgets.length > 1) {
    throw unexpected("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
  }
  const [budget] = budgets;
  if (budget === undefined) return;
  const target = { group: "policy", plural: "poddisruptionbudgets", namespace, name: budget.metadata.name };
  const now = formatTime(deps.clock.now());
  await rewrite<PodDisruptionBudget>(deps, target, dryRun, (old) => spent(old, name, now));
}

function spent(budget: PodDisruptionBudget, podName: string, now: string): PodDisruptionBudget {
  const { metadata, status } = budget;
  const refused = (message: string) =>
    failure(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", { causes: [{ reason: "DisruptionBudget", message }] });
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    throw failure(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes: [{ reason: "DisruptionBudget", message: `The disruption budget ${metadata.name} is still being processed by the server.` }],
      retryAfterSeconds: 10,
    });
  }
  const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
  if (disruptionsAllowed <= 0) {
    throw refused(`The disruption budget ${metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`);
  }
  const disruptedPods = { ...status?.disruptedPods, [podName]: now };
  return { ...budget, status: { ...status!, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods } };
}
