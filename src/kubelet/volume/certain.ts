import type { Volume, VolumeProjection } from "#api/core-v1/types.ts";

/** A controller keeps it in every namespace. */
const ROOT_CA = "kube-root-ca.crt";

/** Whether volumes need nothing that a user may not have made yet, as those that every pod is given do not. */
export function areCertain(volumes: readonly Volume[] = []): boolean {
  return volumes.every(({ emptyDir, downwardAPI, projected }) => emptyDir !== undefined || downwardAPI !== undefined || projected?.sources?.every(isCertain));
}

function isCertain({ serviceAccountToken, downwardAPI, configMap }: VolumeProjection): boolean {
  return serviceAccountToken !== undefined || downwardAPI !== undefined || configMap?.name === ROOT_CA;
}
