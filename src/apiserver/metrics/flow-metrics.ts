import type { FlowControl } from "#apiserver/flowcontrol/flow-control.ts";

import { type Labels, metric, type Sample } from "./exposition.ts";

/** What priority levels have to tell. */
export function flowMetrics(flow: FlowControl): string {
  const levels = [...flow.levels];
  const each = (value: (level: (typeof levels)[number]) => number): Sample[] => levels.map((level) => [{ priority_level: level.name }, value(level)]);
  const rejected = levels.flatMap(({ name, rejected }) => [...rejected].map(([reason, count]): Sample => [{ priority_level: name, reason } as Labels, count]));
  const name = (suffix: string) => `apiserver_flowcontrol_${suffix}`;
  return [
    metric(
      name("nominal_limit_seats"),
      "gauge",
      "[BETA] Seats by shares.",
      each(({ nominalSeats }) => nominalSeats),
    ),
    metric(
      name("current_executing_requests"),
      "gauge",
      "[BETA] Requests that have a seat.",
      each(({ running }) => running),
    ),
    metric(
      name("current_inqueue_requests"),
      "gauge",
      "[BETA] Requests that wait for one.",
      each(({ waiting }) => waiting),
    ),
    metric(
      name("dispatched_requests_total"),
      "counter",
      "[BETA] Requests that were given a seat.",
      each(({ dispatched }) => dispatched),
    ),
    metric(name("rejected_requests_total"), "counter", "[BETA] Requests that were refused one.", rejected),
  ].join("");
}
