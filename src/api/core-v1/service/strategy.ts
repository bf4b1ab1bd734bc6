import type { Service } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { nameIsDns1035Label } from "#apimachinery/validation/names.ts";

import { applyServiceDefaults } from "./defaults.ts";

/** @see kubernetes pkg/registry/core/service/strategy.go */
export const serviceStrategy: Strategy<Service> = {
  validateName: nameIsDns1035Label,
  allowCreateOnUpdate: true,
  applyDefaults: applyServiceDefaults,
  selectableFields: ({ spec }) => ({ "spec.clusterIP": spec.clusterIP ?? "", "spec.type": spec.type ?? "" }),
  selectableFieldNames: ["spec.clusterIP", "spec.type"],
};
