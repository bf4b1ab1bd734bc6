import type { APIService, APIServiceCondition } from "#api/apiregistration-v1/types.ts";

/** What is found out of a service, without its hour. */
export type Availability = Pick<APIServiceCondition, "status"> & { readonly reason: string; readonly message: string };

export const LOCAL: Availability = { status: "True", reason: "Local", message: "Local APIServices are always available" };

const AVAILABLE = "Available";

const availabilityOf = ({ status }: APIService): APIServiceCondition | undefined => status?.conditions?.find(({ type }) => type === AVAILABLE);

export const isAvailable = (service: APIService | undefined): boolean => service !== undefined && availabilityOf(service)?.status === "True";

/** @returns `service` itself when it says so already */
export function withAvailability(service: APIService, { status, reason, message }: Availability, now: string): APIService {
  const before = availabilityOf(service);
  if (before?.status === status && before.reason === reason && before.message === message) return service;
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
  const others = (service.status?.conditions ?? []).filter((condition) => condition !== before);
  return { ...service, status: { ...service.status, conditions: [...others, { type: AVAILABLE, status, lastTransitionTime, reason, message }] } };
}
