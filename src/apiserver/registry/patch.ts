import { statusError } from "#apimachinery/status-error.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { Body } from "#apiserver/registry/machinery.ts";
import { decodeBody } from "#apiserver/registry/machinery.ts";
import type { ObjectOutcome } from "#apiserver/registry/outcome.ts";
import type { PatchType } from "#apiserver/registry/types.ts";
import { changeObject } from "#apiserver/registry/update.ts";
import type { WriteTarget } from "#apiserver/registry/write.ts";

/** PATCH of an object. */
export function patchObject(deps: RegistryDeps, target: WriteTarget, type: PatchType, body: Body): Promise<ObjectOutcome> {
  const { served, name, options, context } = target;
  const patch = "value" in body ? body.value : JSON.parse(body.text);
  return changeObject(deps, target, {
    make: (old) => {
      if (old === undefined) throw statusError.notFound(served.resource, name);
      if (type !== "merge" && type !== "strategic") throw statusError.badRequest(type);
      return decodeBody(served, { value: merged(old, patch) }, options.fieldValidation, context);
    },
  });
}

function merged(old: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base = typeof old === "object" && old !== null && !Array.isArray(old) ? { ...(old as Record<string, unknown>) } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete base[key];
    else base[key] = merged(base[key], value);
  }
  return base;
}
