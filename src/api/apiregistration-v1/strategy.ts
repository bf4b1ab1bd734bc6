import type { APIService } from "#api/apiregistration-v1/types.ts";
import { resetMetadata } from "#api/reset-metadata.ts";
import type { Strategy } from "#api/strategy.ts";

import { validateService, validateServiceStatus } from "./validate.ts";

/** @see kubernetes/kube-aggregator pkg/registry/apiservice/strategy.go */
export const apiServiceStrategy: Strategy<APIService> = {
  validateName: () => [], // the name follows from the spec: `v1.` for the core group's
  applyDefaults({ spec }) {
    if (spec?.service) spec.service.port ??= 443;
  },
  prepareForCreate(service, { now }) {
    if (service.spec.service) return;
    const message = "Local APIServices are always available";
    service.status = { conditions: [{ type: "Available", status: "True", lastTransitionTime: now, reason: "Local", message }] };
  },
  validateCreate: validateService,
  validateUpdate: validateService,
  subresources: { status: { prepareForUpdate: resetMetadata, validateUpdate: validateServiceStatus } },
};
