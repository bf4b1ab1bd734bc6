import type { DeploymentRollback } from "#api/apps-v1beta1/types.ts";
import type { Deployment } from "#api/apps-v1/types.ts";
import { ROLLBACK_TO } from "#api/legacy/workloads.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { validateAnnotations } from "#apimachinery/validation/object-meta.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { rewrite } from "#apiserver/registry/rewrite.ts";
import type { SubresourceHandler, SubresourceWrite } from "#apiserver/registry/subresource.ts";

/** `deployments/rollback` of old versions: tells the deployment's controller which revision to go back to. */
export function rollbackHandlers(deps: RegistryDeps): SubresourceHandler[] {
  const create = (request: SubresourceWrite) => rollBack(deps, request, request.body as unknown as DeploymentRollback);
  return ["apps", "extensions"].map((group) => ({ group, plural: "deployments", subresource: "rollback", create }));
}

/** @see kubernetes pkg/registry/apps/deployment/storage/storage.go RollbackREST */
async function rollBack(deps: RegistryDeps, request: SubresourceWrite, rollback: DeploymentRollback): Promise<object> {
  const { namespace, dryRun } = request;
  refuseInvalid(rollback);
  const { name, updatedAnnotations, rollbackTo } = rollback;
  if (name !== request.name) throw statusError.badRequest("name in URL does not match name in DeploymentRollback object");
  await rewrite<Deployment>(deps, { group: "apps", plural: "deployments", namespace, name }, dryRun, (old) => {
    const annotations = { ...old.metadata.annotations, ...updatedAnnotations, [ROLLBACK_TO]: String(rollbackTo?.revision ?? 0) };
    return { ...old, metadata: { ...old.metadata, annotations } };
  });
  const message = `rollback request for deployment ${JSON.stringify(name)} succeeded`;
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", message, code: 200 };
}

function refuseInvalid({ name = "", updatedAnnotations, rollbackTo }: Partial<DeploymentRollback>): void {
  const errors = updatedAnnotations === undefined ? [] : [...validateAnnotations(updatedAnnotations, new FieldPath("updatedAnnotations"))];
  if (name === "") errors.push(fieldError.required(new FieldPath("name")));
  const revision = rollbackTo?.revision ?? 0;
  if (revision < 0) errors.push(fieldError.invalid(new FieldPath("rollback.version"), revision, "must be greater than or equal to 0"));
  if (errors.length > 0) throw statusError.invalid({ group: "apps", kind: "DeploymentRollback" }, name, errors);
}
