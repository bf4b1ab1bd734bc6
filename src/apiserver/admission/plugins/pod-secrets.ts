import type { Container, EphemeralContainer, Pod, ServiceAccount, Volume } from "#api/core-v1/types.ts";

type AnyContainer = Pick<Container | EphemeralContainer, "name" | "env" | "envFrom">;

/** The names of all secrets that a pod refers to. */
export function podSecretNames({ spec }: Pod): string[] {
  const containers: readonly AnyContainer[] = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  const names = [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containers.flatMap((container) => containerSecrets(container).map(({ name }) => name)),
    ...(spec.volumes ?? []).flatMap(volumeSecrets),
  ];
  return names.filter((name): name is string => name !== undefined && name !== "");
}

/**
 * Why a pod may not run under an account that says that only its own secrets may be mounted.
 *
 * @param part a whole pod, or only its ephemeral containers
 */
export function unmountableSecret({ spec }: Pod, account: ServiceAccount, part: "pod" | "ephemeral"): string | undefined {
  const allowed = new Set((account.secrets ?? []).map(({ name }) => name));
  const owner = `because service account ${account.metadata.name} does not reference that`;
  const inContainers = (kind: string, containers: readonly AnyContainer[] = []) => {
    for (const container of containers) {
      const bad = containerSecrets(container).find(({ name }) => !allowed.has(name));
      if (bad !== undefined) return `${kind} ${container.name} with ${bad.where} referencing secret.secretName="${bad.name}" is not allowed ${owner} secret`;
    }
    return undefined;
  };
  if (part === "ephemeral") return inContainers("ephemeral container", spec.ephemeralContainers);
  const volume = spec.volumes?.find(({ secret }) => secret !== undefined && !allowed.has(secret.secretName));
  if (volume !== undefined) return `volume with secret.secretName="${volume.secret?.secretName ?? ""}" is not allowed ${owner} secret`;
  const why = inContainers("init container", spec.initContainers) ?? inContainers("container", spec.containers);
  if (why !== undefined) return why;
  const pulls = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  const index = (spec.imagePullSecrets ?? []).findIndex(({ name }) => !pulls.has(name));
  return index < 0 ? undefined : `imagePullSecrets[${index}].name="${spec.imagePullSecrets![index]!.name}" is not allowed ${owner} imagePullSecret`;
}

function containerSecrets({ env = [], envFrom = [] }: AnyContainer): { readonly name: string | undefined; readonly where: string }[] {
  return [
    ...env.flatMap(({ name, valueFrom }) => (valueFrom?.secretKeyRef === undefined ? [] : [{ name: valueFrom.secretKeyRef.name, where: `envVar ${name}` }])),
    ...envFrom.flatMap(({ secretRef }) => (secretRef === undefined ? [] : [{ name: secretRef.name, where: "envFrom" }])),
  ];
}

function volumeSecrets(volume: Volume): (string | undefined)[] {
  const direct = [
    volume.secret?.secretName,
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.storageos?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
  ];
  return [...direct, ...(volume.projected?.sources ?? []).map((source) => source.secret?.name)];
}
