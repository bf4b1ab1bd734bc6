import type { Service } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { nameIsDns1035Label } from "#apimachinery/validation/names.ts";

import { applyServiceDefaults } from "./defaults.ts";
import { dropTypeDependentFields } from "./drop-type-dependent.ts";
import { validateServiceCreate, validateServiceUpdate } from "./validate.ts";
import { validateLoadBalancerStatus } from "./validate-load-balancer.ts";
import { serviceStatusWarnings, serviceWarnings } from "./warnings.ts";

/** @see kubernetes pkg/registry/core/service/strategy.go */
export const serviceStrategy: Strategy<Service> = {
  validateName: nameIsDns1035Label,
  allowCreateOnUpdate: true,
  applyDefaults: applyServiceDefaults,
  prepareForUpdate(service, old) {
    service.status = structuredClone(old.status) as Mutable<Service>["status"];
    dropTypeDependentFields(service, old);
  },
  validateCreate: validateServiceCreate,
  validateUpdate: validateServiceUpdate,
  canonicalize({ spec }) {
    // Upstream hides on reading what it once filled in by mistake.
    if (spec.type === "ExternalName") delete spec.internalTrafficPolicy;
  },
  warningsOnCreate: serviceWarnings,
  warningsOnUpdate: serviceWarnings,
  selectableFields: ({ spec }) => ({ "spec.clusterIP": spec.clusterIP ?? "", "spec.type": spec.type ?? "" }),
  selectableFieldNames: ["spec.clusterIP", "spec.type"],
  subresources: {
    status: {
      validateUpdate: ({ spec, status }, old) => validateLoadBalancerStatus(status.loadBalancer, old.status.loadBalancer, spec),
      warningsOnUpdate: serviceStatusWarnings,
    },
  },
};
