import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "#api/certificates-v1/types.ts";
import type { Mutable, Strategy, StrategyContext } from "#api/strategy.ts";

import { validateRequest, validateRequestUpdate } from "./validate.ts";

type Request = CertificateSigningRequest;

/** @see kubernetes pkg/registry/certificates/certificates/strategy.go */
export const signingRequestStrategy: Strategy<Request> = {
  validateName: () => [], // anything that can stand in a path
  prepareForCreate(request, { user }) {
    const { spec } = request;
    for (const field of ["username", "uid", "groups", "extra"] as const) delete spec[field];
    if (user.name !== "") spec.username = user.name;
    if (user.uid !== "") spec.uid = user.uid;
    if (user.groups.length > 0) spec.groups = [...user.groups];
    const extra = Object.entries(user.extra).sort(([a], [b]) => (a < b ? -1 : 1));
    if (extra.length > 0) spec.extra = Object.fromEntries(extra.map(([key, values]) => [key, [...values]]));
    request.status = {};
  },
  prepareForUpdate(request, old) {
    request.spec = structuredClone(old.spec) as Mutable<Request>["spec"];
  },
  validateCreate: validateRequest,
  validateUpdate: (request, old) => validateRequestUpdate(request, old),
  selectableFieldNames: ["spec.signerName"],
  selectableFields: ({ spec }) => ({ "spec.signerName": spec.signerName }),
  subresources: {
    status: {
      prepareForUpdate(request, old, context) {
        for (const type of ["Approved", "Denied"]) keepConditions(request, old, type);
        fillTimes(request, old, context);
      },
      validateUpdate: (request, old) => validateRequestUpdate(request, old, { certificate: true }),
    },
    approval: {
      prepareForUpdate(request, old, context) {
        fillTimes(request, old, context);
        const { conditions } = request.status;
        request.spec = structuredClone(old.spec) as Mutable<Request>["spec"];
        request.status = { ...(structuredClone(old.status) as Mutable<Request>["status"]) };
        if (conditions) request.status.conditions = conditions;
        else delete request.status.conditions;
      },
      validateUpdate: (request, old) => validateRequestUpdate(request, old, { decisions: true }),
    },
  },
};

/** The decisions that stand are as they were, unless there are more of them or fewer, which is refused later. */
function keepConditions({ status }: Mutable<Request>, old: Request, type: string): void {
  const standing = (old.status.conditions ?? []).filter((each) => each.type === type);
  const given = status.conditions ?? [];
  if (given.filter((each) => each.type === type).length !== standing.length) return;
  let next = 0;
  for (const [i, each] of given.entries()) if (each.type === type) given[i] = standing[next++] as Mutable<CertificateSigningRequestCondition>;
}

function fillTimes({ status }: Mutable<Request>, old: Request, { now }: StrategyContext): void {
  for (const [i, condition] of (status.conditions ?? []).entries()) {
    const { type, status: is, lastUpdateTime, lastTransitionTime } = condition;
    const standing = (old.status.conditions ?? []).find((each) => each.type === type && each.status === is && each.lastTransitionTime);
    const times = { lastUpdateTime: lastUpdateTime ?? now, lastTransitionTime: lastTransitionTime ?? standing?.lastTransitionTime ?? now };
    if (!lastUpdateTime || !lastTransitionTime) status.conditions![i] = { ...condition, ...times };
  }
}
