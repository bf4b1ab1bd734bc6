import type { Exchange } from "#apiserver/http/exchange.ts";

import { Histogram, histograms, type Labels, metric } from "./exposition.ts";

const SECONDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const BYTES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** Paths that are told apart; what else clients ask for would have no end. */
const KNOWN_PATHS: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz", "/version", "/metrics", "/metrics/slis", "/openapi/v2", "/openapi/v3"]);

interface Series {
  readonly labels: Labels;
  readonly seconds: Histogram;
  readonly bytes: Histogram;
  /** By code. */
  readonly counts: Map<number, number>;
}

/** Counts requests under upstream's names and labels. */
export class RequestMetrics {
  readonly #live = new Set<Exchange>();
  readonly #series = new Map<string, Series>();

  began(exchange: Exchange): void {
    this.#live.add(exchange);
  }

  /** @param seconds that it took; a stream's, which last as long as clients like, do not count */
  ended(exchange: Exchange, seconds: number): void {
    this.#live.delete(exchange);
    const key = keyOf(exchange);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels: labelsOf(exchange), seconds: new Histogram(SECONDS), bytes: new Histogram(BYTES), counts: new Map() };
      this.#series.set(key, series);
    }
    series.counts.set(exchange.code, (series.counts.get(exchange.code) ?? 0) + 1);
    if (exchange.longRunning) return;
    series.seconds.observe(seconds);
    if (exchange.method === "GET") series.bytes.observe(exchange.sentBytes);
  }

  /** In the text format. */
  render(): string {
    const all = [...this.#series.values()];
    const timed = (part: "seconds" | "bytes") =>
      all.map((series): readonly [Labels, Histogram] => [part === "seconds" ? series.labels : withoutDryRun(series.labels), series[part]]);
    const isMutating = ({ method }: Exchange) => method !== "GET" && method !== "HEAD";
    const short = [...this.#live].filter(({ longRunning }) => !longRunning);
    const mutating = short.filter(isMutating).length;
    return [
      metric(
        "apiserver_request_total",
        "counter",
        "[STABLE] Requests by verb, dry run, kind, scope and code.",
        all.flatMap(({ labels, counts }) => [...counts].map(([code, count]) => [{ ...labels, code: String(code) }, count] as const)),
      ),
      histograms("apiserver_request_duration_seconds", "[STABLE] Seconds from a request to the end of its answer.", timed("seconds")),
      histograms(
        "apiserver_response_sizes",
        "[STABLE] Bytes of answers.",
        timed("bytes").filter(([{ verb }]) => verb === "GET" || verb === "LIST"),
      ),
      metric("apiserver_current_inflight_requests", "gauge", "[STABLE] Requests that are served now.", [
        [{ request_kind: "readOnly" }, short.length - mutating],
        [{ request_kind: "mutating" }, mutating],
      ]),
      metric("apiserver_longrunning_requests", "gauge", "[STABLE] Watches and other streams that are open.", this.#streams()),
    ].join("");
  }

  #streams(): (readonly [Labels, number])[] {
    const counts = new Map<string, { readonly labels: Labels; count: number }>();
    for (const exchange of this.#live) {
      if (!exchange.longRunning) continue;
      const key = keyOf(exchange);
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { labels: withoutDryRun(labelsOf(exchange)), count: 1 });
      else known.count++;
    }
    return [...counts.values()].map(({ labels, count }) => [labels, count]);
  }
}

function keyOf(exchange: Exchange): string {
  const { info, method, path } = exchange;
  if (info === undefined) return `${method} ${KNOWN_PATHS.has(path) ? path : ""}`;
  const { group, version, plural, subresource } = info.path;
  return `${verbLabel(exchange)} ${scopeOf(exchange)} ${subresource} ${group}/${version}/${plural}${isDryRun(exchange) ? " dry" : ""}`;
}

function labelsOf(exchange: Exchange): Labels {
  const { info, path } = exchange;
  const { group = "", version = "", plural = "", subresource = KNOWN_PATHS.has(path) ? path : "" } = info?.path ?? {};
  const verb = verbLabel(exchange);
  return { component: "apiserver", dry_run: isDryRun(exchange) ? "All" : "", group, version, resource: plural, subresource, scope: scopeOf(exchange), verb };
}

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const VERBS: Readonly<Record<string, string>> = { list: "LIST", watch: "WATCH", deletecollection: "DELETECOLLECTION" };

function verbLabel({ info, method, longRunning, headers }: Exchange): string {
  if (!METHODS.has(method)) return "other";
  if (info === undefined) return method;
  if (longRunning && info.verb !== "watch") return "CONNECT";
  if (info.verb === "patch" && headers["content-type"]?.startsWith("application/apply-patch")) return "APPLY";
  return VERBS[info.verb] ?? method;
}

function scopeOf({ info }: Exchange): string {
  if (info === undefined) return "";
  if (info.path.name !== "" || info.verb === "create") return "resource";
  return info.path.namespace === "" ? "cluster" : "namespace";
}

const isDryRun = ({ query }: Exchange) => query.size > 0 && query.get("dryRun") === "All";

function withoutDryRun({ dry_run: _, ...labels }: Labels): Labels {
  return labels;
}
