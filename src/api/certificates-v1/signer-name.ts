import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Label, isDns1123Subdomain } from "#apimachinery/validation/names.ts";

const MAX_DOMAIN = 253;
const MAX_NAME = MAX_DOMAIN + 1 + (253 + 63 + 1);

/**
 * A domain and a path: `kubernetes.io/kubelet-serving`.
 *
 * @see kubernetes pkg/apis/core/validation/names.go
 */
export function checkSignerName(errors: Errors, name: string, path: FieldPath): void {
  if (name === "") return void errors.push(fieldError.required(path));
  const [domain = "", rest = "", ...more] = name.split("/");
  if (!name.includes("/") || more.length > 0) {
    return void errors.push(fieldError.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"));
  }
  if (domain.length > MAX_DOMAIN) errors.push(fieldError.tooLong(path, MAX_DOMAIN));
  checkLabels(errors, domain, isDns1123Label, path);
  if (!domain.includes(".")) errors.push(fieldError.invalid(path, domain, "should be a domain with at least two segments separated by dots"));
  checkLabels(errors, rest, isDns1123Subdomain, path);
  if (name.length > MAX_NAME) errors.push(fieldError.tooLong(path, MAX_NAME));
}

/** Only the first that is wrong is told of. */
function checkLabels(errors: Errors, text: string, faults: (label: string) => string[], path: FieldPath): void {
  const wrong = text.split(".").find((label) => faults(label).length > 0);
  if (wrong === undefined) return;
  for (const fault of faults(wrong)) errors.push(fieldError.invalid(path, text, `validating label ${JSON.stringify(wrong)}: ${fault}`));
}
