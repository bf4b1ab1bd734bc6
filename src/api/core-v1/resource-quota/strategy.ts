import type { ResourceQuota } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { canonicalQuantity } from "#apimachinery/quantity.ts";
import { FIELD_IMMUTABLE } from "#apimachinery/validation/object-meta.ts";

import type { Errors } from "../pod-spec/checks.ts";
import { compareQuantities } from "../pod-spec/quantities.ts";
import { type ResourceList, roundResourceList } from "../pod-spec/resource-list.ts";
import { checkQuotaList, validateQuotaSpec } from "./validate.ts";

const COMPUTE = ["cpu", "memory", "ephemeral-storage"];
const SCOPES = new FieldPath("spec.scopes");
const STATUS = new FieldPath("status");

/** @see kubernetes pkg/registry/core/resourcequota/strategy.go */
export const resourceQuotaStrategy: Strategy<ResourceQuota> = {
  applyDefaults({ spec, status }) {
    roundResourceList(spec?.hard);
    roundResourceList(status?.hard);
    roundResourceList(status?.used);
  },
  validateCreate: ({ spec }) => validateQuotaSpec(spec),
  validateUpdate({ spec }, old) {
    const errors: Errors = validateQuotaSpec(spec);
    const sorted = (scopes: readonly string[] | undefined) => [...new Set(scopes)].sort().join();
    if (sorted(spec.scopes) !== sorted(old.spec.scopes)) errors.push(fieldError.invalid(SCOPES, spec.scopes, FIELD_IMMUTABLE));
    return errors;
  },
  warningsOnCreate: ({ spec }) => COMPUTE.flatMap((name) => excess(spec.hard ?? {}, name)),
  subresources: {
    status: {
      validateUpdate({ status }) {
        const errors: Errors = [];
        checkQuotaList(errors, status.hard, STATUS.child("hard"));
        checkQuotaList(errors, status.used, STATUS.child("used"));
        return errors;
      },
    },
  },
};

/** Requests that could be more than what limits allow. */
function excess(hard: ResourceList, name: string): string[] {
  const requests = `requests.${name}`;
  const bare = name !== "ephemeral-storage" && hard[requests] === undefined ? name : requests;
  const [request, limit] = [hard[bare], hard[`limits.${name}`]];
  if (request === undefined || limit === undefined || compareQuantities(request, limit) <= 0) return [];
  return [`ResourceQuota ${bare} (${canonicalQuantity(request)}) should be less than limits.${name} (${canonicalQuantity(limit)})`];
}
