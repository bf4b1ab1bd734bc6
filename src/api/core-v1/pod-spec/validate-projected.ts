import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";

import { checkFileMode, checkRequired, checkVolumeFilePath, type Errors } from "./checks.ts";
import type { PodSpecOptions } from "./options.ts";
import { validateDownwardFile, validateKeyToPath } from "./volume-sources.ts";

const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;

/** A volume whose files come from several sources; some mistakes are reported at the volume, as upstream does. */
export function validateProjected(errors: Errors, projected: core.ProjectedVolumeSource, options: PodSpecOptions, path: FieldPath): void {
  checkFileMode(errors, projected.defaultMode, path, "defaultMode");
  const files = new Set<string>();
  const claim = (file: string, told: string) => {
    if (files.has(file)) errors.push(fieldError.invalid(path, told, "conflicting duplicate paths"));
    files.add(file);
  };
  for (const [i, source] of (projected.sources ?? []).entries()) {
    const at = path.child("sources").index(i);
    let sources = 0;
    for (const kind of ["secret", "configMap"] as const) {
      const keys = source[kind];
      if (!keys) continue;
      sources++;
      checkRequired(errors, keys.name, at.child(kind), "name");
      for (const [j, item] of (keys.items ?? []).entries()) {
        validateKeyToPath(errors, item, at.child(kind, "items").index(j));
        if (item.path) claim(item.path, keys.name ?? "");
      }
    }
    if (source.downwardAPI) {
      sources++;
      for (const file of source.downwardAPI.items ?? []) {
        validateDownwardFile(errors, file, at.child("downwardAPI"));
        if (file.path) claim(file.path, file.path);
      }
    }
    if (source.serviceAccountToken) {
      sources++;
      validateToken(errors, source.serviceAccountToken, options, path, at.child("serviceAccountToken"));
    }
    if (sources > 1) errors.push(fieldError.forbidden(at, "may not specify more than 1 volume type per source"));
  }
}

function validateToken(errors: Errors, token: core.ServiceAccountTokenProjection, options: PodSpecOptions, path: FieldPath, at: FieldPath): void {
  const seconds = token.expirationSeconds ?? 0;
  const say = (detail: string) => errors.push(fieldError.invalid(at.child("expirationSeconds"), seconds, detail));
  if (seconds < TOKEN_SECONDS_MIN) say("may not specify a duration less than 10 minutes");
  if (seconds > TOKEN_SECONDS_MAX) say("may not specify a duration larger than 2^32 seconds");
  if (!token.path) errors.push(fieldError.required(path.child("path")));
  else if (!options.allowNonLocalTokenPath) checkVolumeFilePath(errors, token.path, path.child("path"));
}
