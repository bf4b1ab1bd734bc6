import type { Pod } from "#api/core-v1/types.ts";
import {
  NAMESPACE_CONTAINER,
  NAMESPACE_NODE,
  NAMESPACE_POD,
  PROFILE_RUNTIME_DEFAULT,
  PROTOCOL,
  type NamespaceOptions,
  type SandboxConfig,
} from "#kubelet/cri/types.ts";

import { containersOf } from "./containers.ts";
import { type ClusterDns, podDns, podHostname } from "./dns.ts";
import { LABEL } from "./labels.ts";

export interface SandboxOptions {
  readonly attempt: number;
  readonly dns: ClusterDns;
  readonly podLogsDir: string;
  readonly cgroupParent: string;
}

/** Where the logs of a pod's containers stand. */
export function podLogDir(podLogsDir: string, { metadata }: Pick<Pod, "metadata">): string {
  return `${podLogsDir}/${metadata.namespace}_${metadata.name}_${metadata.uid}`;
}

/** @see pkg/kubelet/kuberuntime/kuberuntime_sandbox.go generatePodSandboxConfig */
export function sandboxConfig(pod: Pod, { attempt, dns, podLogsDir, cgroupParent }: SandboxOptions): SandboxConfig {
  const { metadata, spec } = pod;
  const context = spec.securityContext ?? {};
  const uid = metadata.uid as string;
  const namespace = metadata.namespace ?? "default";
  return {
    metadata: { name: metadata.name, uid, namespace, attempt },
    hostname: spec.hostNetwork ? "" : podHostname(pod, dns.domain).hostname,
    logDirectory: podLogDir(podLogsDir, pod),
    dnsConfig: podDns(pod, dns),
    portMappings: portMappings(pod),
    labels: { ...metadata.labels, [LABEL.podName]: metadata.name, [LABEL.podNamespace]: namespace, [LABEL.podUid]: uid },
    annotations: { ...metadata.annotations },
    linux: {
      cgroupParent,
      sysctls: Object.fromEntries((context.sysctls ?? []).map(({ name, value }) => [name, value])),
      securityContext: {
        namespaceOptions: namespaceOptions(pod),
        ...(context.runAsUser !== undefined && { runAsUser: { value: context.runAsUser } }),
        ...(context.runAsGroup !== undefined && context.runAsUser !== undefined && { runAsGroup: { value: context.runAsGroup } }),
        supplementalGroups: supplementalGroups(pod),
        privileged: containersOf(pod).some((container) => container.spec.securityContext?.privileged === true),
        seccomp: { profileType: PROFILE_RUNTIME_DEFAULT },
      },
    },
  };
}

export function namespaceOptions({ spec }: Pick<Pod, "spec">): NamespaceOptions {
  return {
    network: spec.hostNetwork ? NAMESPACE_NODE : NAMESPACE_POD,
    pid: spec.hostPID ? NAMESPACE_NODE : spec.shareProcessNamespace ? NAMESPACE_POD : NAMESPACE_CONTAINER,
    ipc: spec.hostIPC ? NAMESPACE_NODE : NAMESPACE_POD,
  };
}

export function supplementalGroups({ spec }: Pick<Pod, "spec">): readonly number[] {
  const { supplementalGroups: groups = [], fsGroup } = spec.securityContext ?? {};
  return fsGroup === undefined ? groups : [fsGroup, ...groups];
}

function portMappings(pod: Pod): SandboxConfig["portMappings"] {
  if (pod.spec.hostNetwork) return [];
  return containersOf(pod).flatMap(({ spec }) =>
    (spec.ports ?? [])
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ protocol = "TCP", containerPort, hostPort = 0, hostIP = "" }) => ({
        protocol: PROTOCOL[protocol as keyof typeof PROTOCOL] ?? PROTOCOL.TCP,
        containerPort,
        hostPort,
        hostIp: hostIP,
      })),
  );
}
