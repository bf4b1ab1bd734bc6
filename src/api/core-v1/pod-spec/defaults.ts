import type * as core from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { defaultPullPolicy } from "./image-reference.ts";
import { roundResourceList } from "./resource-list.ts";
import { applyVolumeDefaults } from "./volume-defaults.ts";

/** The older field says what the newer one does. An object that loses a member, even one that was undefined, is slow from then on. */
export function syncServiceAccount(spec: Mutable<core.PodSpec>): void {
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else {
    if ("serviceAccount" in spec) delete spec.serviceAccount;
    if ("serviceAccountName" in spec) delete spec.serviceAccountName;
  }
}

const INIT_CONTAINER_ANNOTATIONS = ["init-containers", "init-container-statuses"].flatMap((name) => [
  `pod.beta.kubernetes.io/${name}`,
  `pod.alpha.kubernetes.io/${name}`,
]);

/** Annotations that init containers were written in before there were fields for them. */
export function dropInitContainerAnnotations(metadata: { annotations?: Record<string, string> | undefined } | undefined): void {
  const annotations = metadata?.annotations;
  if (annotations === undefined) return;
  for (const key of INIT_CONTAINER_ANNOTATIONS) delete annotations[key];
}

/** The defaults of what pods are made from. */
export function applyTemplateDefaults(template: Mutable<core.PodTemplateSpec> | undefined): void {
  if (!template) return;
  dropInitContainerAnnotations(template.metadata);
  if (template.spec) applyPodSpecDefaults(template.spec);
}

type AnyContainer = Mutable<core.Container> | Mutable<core.EphemeralContainer>;

/**
 * The defaults of a pod's spec that templates get too. What depends on being a pod is in `../pod/defaults.ts`.
 *
 * @see kubernetes pkg/apis/core/v1/defaults.go
 */
export function applyPodSpecDefaults(spec: Mutable<core.PodSpec>): void {
  if (!spec.serviceAccountName && spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  syncServiceAccount(spec);
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= "default-scheduler";
  for (const volume of spec.volumes ?? []) applyVolumeDefaults(volume);
  for (const container of spec.initContainers ?? []) applyContainerDefaults(container);
  for (const container of spec.containers ?? []) applyContainerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) applyContainerDefaults(container);
  roundResourceList(spec.overhead);
  roundResources(spec.resources);
}

function applyContainerDefaults(container: AnyContainer): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? "");
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  for (const port of container.ports ?? []) port.protocol ||= "TCP";
  for (const env of container.env ?? []) {
    const source = env.valueFrom;
    if (source?.fieldRef) source.fieldRef.apiVersion ||= "v1";
    if (source?.fileKeyRef) source.fileKeyRef.optional ??= false;
  }
  roundResources(container.resources);
  applyProbeDefaults(container.livenessProbe);
  applyProbeDefaults(container.readinessProbe);
  applyProbeDefaults(container.startupProbe);
  applyHttpGetDefaults(container.lifecycle?.postStart?.httpGet);
  applyHttpGetDefaults(container.lifecycle?.preStop?.httpGet);
}

function applyProbeDefaults(probe: Mutable<core.Probe> | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  applyHttpGetDefaults(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= "";
}

function applyHttpGetDefaults(action: Mutable<core.HTTPGetAction> | undefined): void {
  if (!action) return;
  action.path ||= "/";
  action.scheme ||= "HTTP";
}

function roundResources(resources: Mutable<core.ResourceRequirements> | undefined): void {
  if (!resources) return;
  roundResourceList(resources.limits);
  roundResourceList(resources.requests);
}
