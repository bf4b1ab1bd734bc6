import type { RuleWithOperations } from "#api/admissionregistration-v1/types.ts";
import { checkAllowed, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES = ["*", "Cluster", "Namespaced"];

/** The requests that a webhook is asked about. */
export function validateRule(errors: Errors, rule: RuleWithOperations, path: FieldPath): void {
  const [operations, versions] = [rule.operations ?? [], rule.apiVersions ?? []];
  checkList(errors, operations, path.child("operations"), "operations");
  for (const [i, operation] of operations.entries()) checkAllowed(errors, operation, OPERATIONS, path.child("operations").index(i));
  checkList(errors, rule.apiGroups ?? [], path.child("apiGroups"), "API groups");
  checkList(errors, versions, path.child("apiVersions"), "API versions");
  for (const [i, version] of versions.entries()) if (version === "") errors.push(fieldError.required(path.child("apiVersions").index(i)));
  validateResources(errors, rule.resources ?? [], path.child("resources"));
  if (rule.scope !== undefined) checkAllowed(errors, rule.scope, SCOPES, path.child("scope"));
}

function checkList(errors: Errors, values: readonly string[], path: FieldPath, what: string): void {
  if (values.length === 0) errors.push(fieldError.required(path));
  if (values.length > 1 && values.includes("*")) errors.push(fieldError.invalid(path, values, `if '*' is present, must not specify other ${what}`));
}

/** Stars stand for all resources, or all subresources, so that what they cover is not named again after them. */
function validateResources(errors: Errors, resources: readonly string[], path: FieldPath): void {
  if (resources.length === 0) errors.push(fieldError.required(path));
  const [wholes, parts] = [new Set<string>(), new Set<string>()];
  let lastPlainIsNamed = false;
  for (const [i, each] of resources.entries()) {
    if (each === "") {
      errors.push(fieldError.required(path.index(i)));
      continue;
    }
    const slash = each.indexOf("/");
    if (slash < 0) {
      lastPlainIsNamed = each !== "*";
      continue;
    }
    const [resource, part] = [each.slice(0, slash), each.slice(slash + 1)];
    if (wholes.has(resource)) errors.push(fieldError.invalid(path.index(i), each, `if '${resource}/*' is present, must not specify ${each}`));
    if (parts.has(part)) errors.push(fieldError.invalid(path.index(i), each, `if '*/${part}' is present, must not specify ${each}`));
    if (part === "*") wholes.add(resource);
    if (resource === "*") parts.add(part);
  }
  if (resources.length > 1 && resources.includes("*/*")) {
    errors.push(fieldError.invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes("*") && lastPlainIsNamed) {
    errors.push(fieldError.invalid(path, resources, "if '*' is present, must not specify other resources without subresources"));
  }
}
