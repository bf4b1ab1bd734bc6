import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from "#api/apps-v1/types.ts";
import type { HorizontalPodAutoscaler as OlderAutoscaler, Scale } from "#api/autoscaling-v1/types.ts";
import { newerAutoscaler } from "#api/autoscaling-v2/older-version.ts";
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from "#api/autoscaling-v2/types.ts";
import type { CronJob, Job } from "#api/batch-v1/types.ts";
import type { Pod, PodTemplate, ReplicationController } from "#api/core-v1/types.ts";
import type { PodDisruptionBudget } from "#api/policy-v1/types.ts";
import { canonicalQuantity } from "#apimachinery/quantity.ts";
import {
  age,
  ageOf,
  containerCells,
  hasCondition,
  humanDuration,
  labelMap,
  NONE,
  printer,
  selectorOrNone,
  selectorText,
  UNSET,
  type Printers,
} from "#apiserver/tables/cells.ts";
import { podCells } from "#apiserver/tables/pod.ts";

export const workloadPrinters: Printers = {
  "/Pod": printer<Pod>(podCells),
  "/PodTemplate": printer<PodTemplate>(({ metadata, template }) => [metadata.name, ...containerCells(template), labelMap(template?.metadata?.labels)]),
  "/ReplicationController": printer<ReplicationController>((rc, now) => [
    rc.metadata.name,
    rc.spec?.replicas ?? 0,
    rc.status?.replicas ?? 0,
    rc.status?.readyReplicas ?? 0,
    ageOf(rc, now),
    ...containerCells(rc.spec?.template),
    labelMap(rc.spec?.selector),
  ]),
  "apps/ReplicaSet": printer<ReplicaSet>((set, now) => [
    set.metadata.name,
    set.spec?.replicas ?? 0,
    set.status?.replicas ?? 0,
    set.status?.readyReplicas ?? 0,
    ageOf(set, now),
    ...containerCells(set.spec?.template),
    selectorOrNone(set.spec?.selector),
  ]),
  "apps/Deployment": printer<Deployment>((deployment, now) => [
    deployment.metadata.name,
    `${deployment.status?.readyReplicas ?? 0}/${deployment.spec?.replicas ?? 0}`,
    deployment.status?.updatedReplicas ?? 0,
    deployment.status?.availableReplicas ?? 0,
    ageOf(deployment, now),
    ...containerCells(deployment.spec?.template),
    selectorText(deployment.spec?.selector),
  ]),
  "apps/StatefulSet": printer<StatefulSet>((set, now) => [
    set.metadata.name,
    `${set.status?.readyReplicas ?? 0}/${set.spec?.replicas ?? 0}`,
    ageOf(set, now),
    ...containerCells(set.spec?.template),
  ]),
  "apps/DaemonSet": printer<DaemonSet>((set, now) => [
    set.metadata.name,
    set.status?.desiredNumberScheduled ?? 0,
    set.status?.currentNumberScheduled ?? 0,
    set.status?.numberReady ?? 0,
    set.status?.updatedNumberScheduled ?? 0,
    set.status?.numberAvailable ?? 0,
    labelMap(set.spec?.template?.spec?.nodeSelector),
    ageOf(set, now),
    ...containerCells(set.spec?.template),
    selectorOrNone(set.spec?.selector),
  ]),
  "apps/ControllerRevision": printer<ControllerRevision>((revision, now) => [
    revision.metadata.name,
    controllerOf(revision),
    revision.revision ?? 0,
    ageOf(revision, now),
  ]),
  "batch/Job": printer<Job>((job, now) => [
    job.metadata.name,
    jobStatus(job),
    jobCompletions(job),
    jobDuration(job, now),
    ageOf(job, now),
    ...containerCells(job.spec?.template),
    selectorOrNone(job.spec?.selector),
  ]),
  "batch/CronJob": printer<CronJob>((job, now) => [
    job.metadata.name,
    job.spec?.schedule ?? "",
    job.spec?.timeZone ?? NONE,
    job.spec?.suspend === undefined ? UNSET : job.spec.suspend ? "True" : "False",
    job.status?.active?.length ?? 0,
    job.status?.lastScheduleTime ? age(job.status.lastScheduleTime, now) : NONE,
    ageOf(job, now),
    ...containerCells(job.spec?.jobTemplate?.spec?.template),
    selectorOrNone(job.spec?.jobTemplate?.spec?.selector),
  ]),
  "policy/PodDisruptionBudget": printer<PodDisruptionBudget>((budget, now) => [
    budget.metadata.name,
    intOrText(budget.spec?.minAvailable),
    intOrText(budget.spec?.maxUnavailable),
    budget.status?.disruptionsAllowed ?? 0,
    ageOf(budget, now),
  ]),
  "autoscaling/HorizontalPodAutoscaler": printer<HorizontalPodAutoscaler | OlderAutoscaler>((given, now) => {
    const hpa = newerAutoscaler(given);
    return [
      hpa.metadata.name,
      `${hpa.spec?.scaleTargetRef?.kind ?? ""}/${hpa.spec?.scaleTargetRef?.name ?? ""}`,
      hpaTargets(hpa.spec?.metrics ?? [], hpa.status?.currentMetrics ?? []),
      hpa.spec?.minReplicas === undefined ? UNSET : `${hpa.spec.minReplicas}`,
      hpa.spec?.maxReplicas ?? 0,
      hpa.status?.currentReplicas ?? 0,
      ageOf(hpa, now),
    ];
  }),
  "autoscaling/Scale": printer<Scale>((scale, now) => [scale.metadata.name, scale.spec?.replicas ?? 0, scale.status?.replicas ?? 0, ageOf(scale, now)]),
};

function controllerOf({ metadata }: ControllerRevision): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner === undefined) return NONE;
  const group = owner.apiVersion.includes("/") ? `.${owner.apiVersion.split("/")[0]}` : "";
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

function jobStatus({ metadata, status }: Job): string {
  const has = (type: string) => hasCondition(status?.conditions, type);
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(has) ?? "Running";
}

function jobCompletions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  return (spec?.parallelism ?? 0) > 1 ? `${succeeded}/1 of ${spec?.parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Job, nowMs: number): string {
  if (!status?.startTime) return "";
  const end = status.completionTime ? Date.parse(status.completionTime) : nowMs;
  return humanDuration(end - Date.parse(status.startTime));
}

const intOrText = (value: number | string | undefined) => (value === undefined ? "N/A" : `${value}`);

const SHOWN_METRICS = 2;

function hpaTargets(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return NONE;
  const texts = specs.map((spec, i) => metricText(spec, statuses[i]));
  const text = texts.slice(0, SHOWN_METRICS).join(", ");
  return texts.length > SHOWN_METRICS ? `${text} + ${texts.length - SHOWN_METRICS} more...` : text;
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case "Resource":
      return resourceMetric(spec.resource, status?.resource);
    case "ContainerResource":
      return resourceMetric(spec.containerResource, status?.containerResource);
    case "Pods":
      return `${quantity(status?.pods?.current?.averageValue)}/${quantity(spec.pods?.target?.averageValue)}`;
    case "Object":
      return valueMetric(spec.object, status?.object);
    case "External":
      return valueMetric(spec.external, status?.external);
    default:
      return "<unknown type>";
  }
}

interface MetricValues {
  readonly averageValue?: string | undefined;
  readonly value?: string | undefined;
  readonly averageUtilization?: number | undefined;
}

type Target = { readonly name?: string; readonly target: MetricValues } | undefined;
type Current = { readonly current: MetricValues } | undefined;

function resourceMetric(spec: Target, status: Current): string {
  const target = spec?.target;
  if (target?.averageValue !== undefined) return `${spec?.name}: ${quantity(status?.current.averageValue)}/${quantity(target.averageValue)}`;
  const current = status?.current.averageUtilization;
  const wanted = target?.averageUtilization;
  return `${spec?.name}: ${current === undefined ? "<unknown>" : `${current}%`}/${wanted === undefined ? "<auto>" : `${wanted}%`}`;
}

function valueMetric(spec: Target, status: Current): string {
  const average = spec?.target.averageValue;
  if (average !== undefined) return `${quantity(status?.current.averageValue)}/${quantity(average)} (avg)`;
  return `${quantity(status?.current.value)}/${quantity(spec?.target.value)}`;
}

const quantity = (value: string | undefined) => (value === undefined ? "<unknown>" : canonicalQuantity(value));
