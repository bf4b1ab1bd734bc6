import type { HealthCheck } from "#apiserver/http/health.ts";
import { listed, type PlainHandler, type PlainResponse } from "#apiserver/http/plain.ts";

import { metric } from "./exposition.ts";

export interface MetricsSources {
  /** Each in the text format. */
  readonly parts: readonly (() => string)[];
  readonly healthChecks: () => readonly HealthCheck[];
}

/** `/metrics`, and `/metrics/slis` with the health checks alone. */
export function metricsHandler({ parts, healthChecks }: MetricsSources): PlainHandler {
  const handler: PlainHandler = ({ path, method }) => {
    if (path !== "/metrics" && path !== "/metrics/slis") return undefined;
    if (method !== "GET" && method !== "HEAD") return { status: 405, headers: { allow: "GET, HEAD" }, body: "" };
    return text(path === "/metrics" ? parts.map((part) => part()).join("") : healthMetrics(healthChecks()));
  };
  return listed(handler, () => ["/metrics", "/metrics/slis"]);
}

function healthMetrics(checks: readonly HealthCheck[]): string {
  const samples = checks.flatMap(({ name, readyOnly, check }) => {
    const value = check() === undefined ? 1 : 0;
    const types = readyOnly === true ? ["readyz"] : ["healthz", "livez", "readyz"];
    return types.map((type) => [{ name, type }, value] as const);
  });
  return metric("kubernetes_healthcheck", "gauge", "[STABLE] 1 when a check of the server's health is well.", samples);
}

function text(body: string): PlainResponse {
  return { status: 200, headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores" }, body };
}
