import type { PlainHandler, PlainRequest, PlainResponse } from "#apiserver/http/plain.ts";
import { listed } from "#apiserver/http/plain.ts";

/** A named condition of the server's health. */
export interface HealthCheck {
  readonly name: string;
  /** Only `/readyz` asks for it. */
  readonly readyOnly?: boolean;
  /** @returns what is wrong; `undefined` when nothing is */
  check(): string | undefined;
}

const ENDPOINTS = ["livez", "readyz", "healthz"];

/**
 * `/livez`, `/readyz`, `/healthz`, their `?verbose` and `?exclude`, and a path for every check.
 *
 * @param checks all that there are now; while a server starts, they become more
 */
export function healthHandler(checks: () => readonly HealthCheck[]): PlainHandler {
  const asked = (endpoint: string) => checks().filter(({ readyOnly }) => endpoint === "readyz" || readyOnly !== true);
  const handler: PlainHandler = (request) => {
    const [, endpoint = "", ...rest] = request.path.split("/");
    if (!ENDPOINTS.includes(endpoint)) return undefined;
    if (rest.length === 0) return summary(endpoint, asked(endpoint), request);
    const name = rest.join("/");
    const check = asked(endpoint).find((each) => each.name === name);
    return check === undefined ? undefined : single(check);
  };
  return listed(handler, () => ENDPOINTS.flatMap((endpoint) => [`/${endpoint}`, ...asked(endpoint).map(({ name }) => `/${endpoint}/${name}`)]));
}

function single(check: HealthCheck): PlainResponse {
  const fault = check.check();
  return fault === undefined ? text(200, "ok") : text(500, `internal server error: ${fault}\n`);
}

/** Why a check fails is told on its own path alone: this one is open to everybody. */
function summary(endpoint: string, checks: readonly HealthCheck[], { query }: PlainRequest): PlainResponse {
  const excluded = new Set(query.getAll("exclude"));
  const unknown = new Set(excluded);
  const lines: string[] = [];
  let failed = false;
  for (const { name, check } of checks) {
    if (excluded.has(name)) {
      unknown.delete(name);
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    const fault = check();
    failed ||= fault !== undefined;
    lines.push(fault === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`);
  }
  const names = [...unknown].sort().map((name) => JSON.stringify(name));
  if (names.length > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${names.join(",")}`);
  const verdict = `${endpoint} check ${failed ? "failed" : "passed"}`;
  if (failed) return text(500, `${lines.join("\n")}\n${verdict}\n`);
  return query.has("verbose") ? text(200, `${lines.join("\n")}\n${verdict}\n`) : text(200, "ok");
}

function text(status: number, body: string): PlainResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" }, body };
}
