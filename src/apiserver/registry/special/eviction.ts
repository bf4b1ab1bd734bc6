import { builtin } from "#api/resources.ts";
import type { Pod, PodCondition } from "#api/core-v1/types.ts";
import type { Eviction, PodDisruptionBudget } from "#api/policy-v1/types.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { selectorOf } from "#apimachinery/label-selector.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import { isStatus, statusError } from "#apimachinery/status-error.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { checkPreconditions, deleteObject } from "#apiserver/registry/delete.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { checkDeleteOptions, type DeleteOptions } from "#apiserver/registry/options.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";
import { rewrite } from "#apiserver/registry/rewrite.ts";
import { goesForFree, ignoresBudgets, spent, stillProcessed } from "#apiserver/registry/special/disruption-budget.ts";
import type { SubresourceHandler, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import { formatTime } from "#lib/clock.ts";

const BUDGETS = builtin<PodDisruptionBudget>("policy", "v1", "poddisruptionbudgets");
const PODS = builtin<Pod>("", "v1", "pods");
const SUCCESS = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
const MAX_ATTEMPTS = 20;

/** `pods/eviction`: deletes a pod unless a disruption budget is against it. */
export function evictionHandler(deps: RegistryDeps, resources: ResourceTable, reader: ObjectReader): SubresourceHandler {
  return {
    group: "",
    plural: "pods",
    subresource: "eviction",
    olderVersions: ["policy/v1beta1"],
    create: (request) => new Evicting(deps, resources, reader, request).run(),
  };
}

/** One eviction on its way. */
class Evicting {
  readonly #deps: RegistryDeps;
  readonly #resources: ResourceTable;
  readonly #reader: ObjectReader;
  readonly #request: SubresourceWrite;
  readonly #options: DeleteOptions;
  readonly #isDry: boolean;

  constructor(deps: RegistryDeps, resources: ResourceTable, reader: ObjectReader, request: SubresourceWrite) {
    const { deleteOptions } = request.body as unknown as Eviction;
    this.#deps = deps;
    this.#resources = resources;
    this.#reader = reader;
    this.#request = request;
    this.#isDry = request.dryRun || (deleteOptions?.dryRun?.length ?? 0) > 0;
    this.#options = { ...deleteOptions, ...(this.#isDry && { dryRun: ["All"] }) };
  }

  async run(): Promise<object> {
    const { name, body } = this.#request;
    const { metadata, deleteOptions } = body as unknown as Eviction;
    if (metadata.name !== name) throw statusError.badRequest("name in URL does not match name in Eviction object");
    if (deleteOptions?.ignoreStoreReadErrorWithClusterBreakingPotential === true) throw mustNotIgnore(name);
    checkDeleteOptions(this.#options);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#attempt(this.#pod());
        return SUCCESS;
      } catch (error) {
        if (!(error instanceof PodChanged)) throw error;
        if (error.budget !== undefined) throw stillProcessed(error.budget);
        if (attempt >= MAX_ATTEMPTS) throw error.cause;
      }
    }
  }

  #pod(): Pod {
    const { namespace, name } = this.#request;
    const pod = this.#reader.lookup(PODS, namespace, name);
    if (pod === undefined) throw statusError.notFound({ group: "", resource: "pods" }, name);
    return pod;
  }

  async #attempt(pod: Pod): Promise<void> {
    // One that has not begun to run may become ready any moment, and then counts.
    if (ignoresBudgets(pod)) return this.#remove(pod, { onlyAsSeen: pod.status?.phase === "Pending" && pod.metadata.deletionTimestamp === undefined });
    const budget = this.#budgetOf(pod);
    if (budget === undefined) return this.#remove(pod, { onlyAsSeen: false });
    if (goesForFree(pod, budget)) return this.#remove(pod, { onlyAsSeen: true, budget: budget.metadata.name });
    const { namespace, name } = budget.metadata;
    const target = { group: "policy", plural: "poddisruptionbudgets", namespace: namespace ?? "", name };
    const now = formatTime(this.#deps.clock.now());
    await rewrite<PodDisruptionBudget>(this.#deps, target, this.#isDry, (old) => spent(old, pod.metadata.name, now));
    await this.#remove(pod, { onlyAsSeen: false });
  }

  #budgetOf({ metadata: { namespace = "", labels } }: Pod): PodDisruptionBudget | undefined {
    const budgets = this.#reader.list(BUDGETS, namespace).filter(({ spec }) => selectorOf(spec?.selector).matches(labels));
    if (budgets.length > 1) throw unexpected("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
    return budgets[0];
  }

  /** @param how whether the pod must be as it was seen, unless the client has said which it means; and the budget that let it go for that */
  async #remove({ metadata }: Pod, { onlyAsSeen, budget }: { readonly onlyAsSeen: boolean; readonly budget?: string }): Promise<void> {
    const { namespace, name, context } = this.#request;
    const isOurs = onlyAsSeen && this.#options.preconditions?.resourceVersion === undefined;
    const asked: DeleteOptions = isOurs
      ? { ...this.#options, preconditions: { ...this.#options.preconditions, resourceVersion: metadata.resourceVersion } }
      : this.#options;
    try {
      const options = this.#isDry ? asked : await this.#marked(asked);
      await deleteObject(this.#deps, { served: this.#resources.get("", "v1", "pods")!, namespace, name, options, context, isAdmitted: true });
    } catch (error) {
      if (isOurs && isStatus(error, "Conflict")) throw new PodChanged(budget, error);
      throw error;
    }
  }

  /** The pod tells why it goes. @returns the options, now about the pod as it is then */
  async #marked(options: DeleteOptions): Promise<DeleteOptions> {
    const { namespace, name } = this.#request;
    const served = this.#resources.get("", "v1", "pods")!;
    const now = formatTime(this.#deps.clock.now());
    const marked = await rewrite<Pod>(this.#deps, { group: "", plural: "pods", namespace, name }, false, (pod) => {
      checkPreconditions({ served, name, options }, pod);
      return withCondition(pod, now);
    });
    const { preconditions } = options;
    if (preconditions?.resourceVersion === undefined) return options;
    return { ...options, preconditions: { ...preconditions, resourceVersion: marked.metadata.resourceVersion } };
  }
}

/** The pod is no longer as it was when it was decided that it may go. */
class PodChanged extends Error {
  readonly budget: string | undefined;

  constructor(budget: string | undefined, cause: unknown) {
    super("the pod has changed", { cause });
    this.budget = budget;
  }
}

function withCondition(pod: Pod, now: string): Pod {
  const conditions = pod.status?.conditions ?? [];
  const old = conditions.find(({ type }) => type === "DisruptionTarget");
  const what = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };
  if (old?.status === "True" && old.reason === what.reason && old.message === what.message) return pod;
  const lastTransitionTime = old?.status === "True" ? old.lastTransitionTime : now;
  const next = { type: "DisruptionTarget", status: "True", lastProbeTime: null, lastTransitionTime, ...what } as unknown as PodCondition;
  const all = old === undefined ? [...conditions, next] : conditions.map((each) => (each === old ? next : each));
  return { ...pod, status: { ...pod.status, conditions: all } as NonNullable<Pod["status"]> };
}

function mustNotIgnore(name: string): Error {
  const path = new FieldPath("deleteOptions").child("ignoreStoreReadErrorWithClusterBreakingPotential");
  const errors = [fieldError.invalid(path, true, "can not be set for pod eviction, try after removing the option")];
  return statusError.invalid({ group: "policy", kind: "Eviction" }, name, errors);
}
