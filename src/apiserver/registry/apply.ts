import { statusError } from "#apimachinery/status-error.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { Body } from "#apiserver/registry/machinery.ts";
import type { ObjectOutcome } from "#apiserver/registry/outcome.ts";
import type { WriteTarget } from "#apiserver/registry/write.ts";

/** PATCH of type apply. */
export async function applyObject(_deps: RegistryDeps, _target: WriteTarget, _body: Body): Promise<ObjectOutcome> {
  throw statusError.badRequest("apply");
}
