import type { Binding, Pod, PodCondition } from "#api/core-v1/types.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { topologyLabels } from "#apiserver/admission/plugins/pod-topology-labels.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { rewrite } from "#apiserver/registry/rewrite.ts";
import type { SubresourceHandler, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import { formatTime } from "#lib/clock.ts";

const SUCCESS = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };

/** `pods/binding`, and `bindings` without a pod in the path: puts a pod on a node. */
export function bindingHandlers(deps: RegistryDeps, reader: ObjectReader): SubresourceHandler[] {
  const create = (request: SubresourceWrite) => bind(deps, request, withTopology(request.body as unknown as Binding, reader));
  return [
    { group: "", plural: "pods", subresource: "binding", create },
    { group: "", plural: "bindings", subresource: "", create },
  ];
}

/** A pod takes its node's zone and region as labels. @see kubernetes plugin/pkg/admission/podtopologylabels */
function withTopology(binding: Binding, reader: ObjectReader): Binding {
  const copied = topologyLabels(reader, binding.target?.name ?? "");
  if (Object.keys(copied).length === 0) return binding;
  return { ...binding, metadata: { ...binding.metadata, labels: { ...binding.metadata.labels, ...copied } } };
}

async function bind(deps: RegistryDeps, { namespace, name, dryRun, info }: SubresourceWrite, binding: Binding): Promise<object> {
  const { metadata, target } = binding;
  if (info.plural === "pods" && metadata.name !== name) throw statusError.badRequest("name in URL does not match name in Binding object");
  const errors = targetErrors(binding);
  if (errors.length > 0) throw unexpected(errors.map(({ field, text }) => `${field}: ${text}`).join(", "));
  const now = formatTime(deps.clock.now());
  const pod = { group: "", plural: "pods", namespace, name: metadata.name };
  await rewrite<Pod>(deps, pod, dryRun, (old) => {
    checkBindable(old, binding);
    return bound(old, binding, target.name ?? "", now);
  });
  return SUCCESS;
}

function targetErrors({ target }: Binding): FieldError[] {
  const path = new FieldPath("target");
  const errors: FieldError[] = [];
  const kind = target.kind ?? "";
  if (kind !== "" && kind !== "Node") errors.push(fieldError.notSupported(path.child("kind"), kind, ["Node", "<empty>"]));
  if ((target.name ?? "") === "") errors.push(fieldError.required(path.child("name")));
  return errors;
}

function checkBindable(pod: Pod, { metadata: wanted }: Binding): void {
  const { metadata, spec } = pod;
  const conflict = (why: string) => statusError.conflict({ group: "", resource: "pods/binding" }, metadata.name, why);
  const failed = (what: string) => {
    const key = `/registry/pods/${metadata.namespace}/${metadata.name}`;
    return statusError.conflict(
      { group: "", resource: "pods" },
      metadata.name,
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ${what}`,
    );
  };
  if ((wanted.uid ?? "") !== "" && wanted.uid !== metadata.uid) throw failed(`UID in precondition: ${wanted.uid}, UID in object meta: ${metadata.uid}`);
  const { resourceVersion = "" } = wanted;
  if (resourceVersion !== "" && resourceVersion !== metadata.resourceVersion) {
    throw failed(`ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`);
  }
  if (metadata.deletionTimestamp !== undefined) throw conflict(`pod ${metadata.name} is being deleted, cannot be assigned to a host`);
  const { nodeName = "" } = spec ?? {};
  if (nodeName !== "") throw conflict(`pod ${metadata.name} is already assigned to node ${JSON.stringify(nodeName)}`);
  if ((spec?.schedulingGates?.length ?? 0) > 0) throw conflict(`pod ${metadata.name} has non-empty .spec.schedulingGates`);
}

function bound(pod: Pod, { metadata: wanted }: Binding, nodeName: string, now: string): Pod {
  const { metadata, spec, status } = pod;
  const { nominatedNodeName: _nominated, ...rest } = status ?? {};
  const annotations = { ...metadata.annotations, ...wanted.annotations };
  const labels = { ...metadata.labels, ...wanted.labels };
  return {
    ...pod,
    metadata: {
      ...metadata,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: { ...spec!, nodeName },
    status: { ...rest, conditions: withScheduled(status?.conditions ?? [], now) },
  };
}

function withScheduled(conditions: readonly PodCondition[], now: string): PodCondition[] {
  const scheduled = { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: now } as unknown as PodCondition;
  const at = conditions.findIndex(({ type }) => type === "PodScheduled");
  if (at < 0) return [...conditions, scheduled];
  const kept = conditions[at]!.status === "True" ? { ...scheduled, lastTransitionTime: conditions[at]!.lastTransitionTime } : scheduled;
  return conditions.with(at, kept as PodCondition);
}
