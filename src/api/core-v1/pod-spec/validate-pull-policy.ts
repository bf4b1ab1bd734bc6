import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";

import { checkAllowed, type Errors } from "./checks.ts";

export function checkPullPolicy(errors: Errors, policy: string | undefined, path: FieldPath): void {
  if (!policy) errors.push(fieldError.required(path));
  else checkAllowed(errors, policy, ["Always", "IfNotPresent", "Never"], path);
}
