import type * as core from "#api/core-v1/types.ts";

interface FilePath {
  readonly path: string;
  /** What puts a file there; empty where the volume has one source only. */
  readonly source: string;
}

const quote = (text: string | undefined) => JSON.stringify(text ?? "");
const printed = ({ path, source }: FilePath) => (source === "" ? quote(path) : `${quote(path)} (${source})`);

/** Files of one volume that lie in each other's way. */
export function pathWarnings(volumes: readonly core.Volume[]): string[] {
  return volumes.flatMap(({ name, configMap, secret, downwardAPI, projected }) => {
    const warnings: string[] = [];
    const check = (what: string, paths: readonly FilePath[]) => {
      for (const overlap of overlaps(paths)) warnings.push(`volume ${quote(name)} (${what}): overlapping paths: ${overlap}`);
    };
    if (configMap?.items) check(`ConfigMap ${quote(configMap.name)}`, filePaths(configMap.items, ""));
    if (secret?.items) check(`Secret ${quote(secret.secretName)}`, filePaths(secret.items, ""));
    if (downwardAPI?.items) check("DownwardAPI", filePaths(downwardAPI.items, ""));
    if (projected) {
      const sources = projected.sources ?? [];
      for (const source of sources) if (Object.keys(source).length === 0) warnings.push(`volume ${quote(name)} (Projected) has no sources provided`);
      check("Projected", sources.flatMap(projectedPaths));
    }
    return warnings;
  });
}

const filePaths = (items: readonly { readonly path: string }[], source: string): FilePath[] => items.map(({ path = "" }) => ({ path, source }));

function projectedPaths({ configMap, secret, downwardAPI, serviceAccountToken }: core.VolumeProjection): FilePath[] {
  if (configMap?.items) return filePaths(configMap.items, `ConfigMap ${quote(configMap.name)}`);
  if (secret?.items) return filePaths(secret.items, `Secret ${quote(secret.name)}`);
  if (downwardAPI?.items) return filePaths(downwardAPI.items, "DownwardAPI");
  return serviceAccountToken ? filePaths([serviceAccountToken], "ServiceAccountToken") : [];
}

function overlaps(paths: readonly FilePath[]): string[] {
  const found: string[] = [];
  const seen: FilePath[] = [];
  for (const { path, source } of paths) {
    const file = { path: path.replace(/\/+$/, ""), source };
    for (const other of seen) if (isOverlap(file.path, other.path)) found.push(`${printed(file)} with ${printed(other)}`);
    seen.push(file);
  }
  return found;
}

/** The same file, or one below the other. */
function isOverlap(a: string, b: string): boolean {
  return a !== "" && b !== "" && (`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`));
}
