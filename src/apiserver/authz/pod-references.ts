import type { PersistentVolume, Pod, Volume } from "#api/core-v1/types.ts";
import { podSecretNames } from "#apiserver/admission/plugins/pod-secrets.ts";

/** What a node may only see because a pod of its own refers to it. */
export type ReferredKind = "secrets" | "configmaps" | "persistentvolumeclaims" | "serviceaccounts" | "resourceclaims";

const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/**
 * Whether a pod refers to an object of its namespace. A mirror pod never does: nodes make those themselves.
 *
 * @see kubernetes plugin/pkg/auth/authorizer/node/graph.go
 */
export function podRefersTo(pod: Pod, kind: ReferredKind, name: string): boolean {
  if (pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return false;
  switch (kind) {
    case "serviceaccounts":
      return pod.spec.serviceAccountName === name;
    case "secrets":
      return podSecretNames(pod).includes(name);
    case "configmaps":
      return podConfigMapNames(pod).includes(name);
    case "persistentvolumeclaims":
      return podClaimNames(pod).includes(name);
    case "resourceclaims":
      return podResourceClaimNames(pod).includes(name);
  }
}

/** Claims of volumes, those that are made for the pod included. */
export function podClaimNames({ metadata, spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return persistentVolumeClaim.claimName;
    return ephemeral === undefined ? [] : `${metadata.name}-${name}`;
  });
}

function podConfigMapNames({ spec }: Pod): (string | undefined)[] {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  return [
    ...containers.flatMap(({ env = [], envFrom = [] }) => [
      ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
      ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ]),
    ...(spec.volumes ?? []).flatMap(({ configMap, projected }: Volume) => [configMap?.name, ...(projected?.sources ?? []).map((each) => each.configMap?.name)]),
  ];
}

function podResourceClaimNames({ spec, status }: Pod): (string | undefined)[] {
  const made = new Map((status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [name, resourceClaimName]));
  const claims = (spec.resourceClaims ?? []).map(({ name, resourceClaimName }) => resourceClaimName ?? made.get(name));
  return [...claims, status?.extendedResourceClaimStatus?.resourceClaimName];
}

/** The secrets that a node needs to mount a volume. */
export function volumeSecrets({ spec }: PersistentVolume): { readonly namespace: string; readonly name: string }[] {
  const within = spec?.claimRef?.namespace ?? "";
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = spec ?? {};
  const found = [
    azureFile && { namespace: azureFile.secretNamespace, name: azureFile.secretName },
    ...[cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos].map((source) => source?.secretRef),
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  return found.flatMap((ref) => (ref?.name ? { namespace: ref.namespace || within, name: ref.name } : []));
}
