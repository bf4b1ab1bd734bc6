import { Histogram, histograms, type Labels, metric } from "./exposition.ts";

/** One call of a conversion webhook. */
export interface ConversionCall {
  /** The definition's name. */
  readonly definition: string;
  readonly from: string;
  readonly to: string;
  readonly seconds: number;
  /** What went wrong; absent for a call that went well. */
  readonly failure?: { readonly failureType: string | undefined } | undefined;
}

const SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60];
const DOUBLING_SECONDS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

interface Series {
  readonly labels: Labels;
  readonly seconds: Histogram;
  count: number;
}

/** Counts conversions by webhook under upstream's names and labels. */
export class ConversionMetrics {
  readonly #byResult = new Map<string, Series>();
  readonly #byDefinition = new Map<string, Series>();

  observe({ definition, from, to, seconds, failure }: ConversionCall): void {
    const failed = { result: "failure", failure_type: failure?.failureType ?? "" };
    if (failure === undefined || failure.failureType !== undefined) {
      add(this.#byResult, failure === undefined ? { result: "success", failure_type: "" } : failed, SECONDS, seconds);
    }
    const labels = { crd_name: definition, from_version: from, to_version: to, succeeded: String(failure === undefined) };
    add(this.#byDefinition, labels, DOUBLING_SECONDS, seconds);
  }

  /** In the text format. */
  render(): string {
    const results = [...this.#byResult.values()];
    const timed = (all: Iterable<Series>) => Array.from(all, ({ labels, seconds }): readonly [Labels, Histogram] => [labels, seconds]);
    return [
      metric(
        "apiserver_conversion_webhook_request_total",
        "counter",
        "[ALPHA] Calls of conversion webhooks by result and kind of failure.",
        results.map(({ labels, count }) => [labels, count] as const),
      ),
      histograms("apiserver_conversion_webhook_duration_seconds", "[ALPHA] Seconds that calls of conversion webhooks took.", timed(results)),
      histograms(
        "apiserver_crd_conversion_webhook_duration_seconds",
        "[ALPHA] Seconds that conversions by webhook took, by definition and versions.",
        timed(this.#byDefinition.values()),
      ),
    ].join("");
  }
}

function add(all: Map<string, Series>, labels: Labels, bounds: readonly number[], seconds: number): void {
  const key = Object.values(labels).join(" ");
  let series = all.get(key);
  if (series === undefined) all.set(key, (series = { labels, seconds: new Histogram(bounds), count: 0 }));
  series.count++;
  series.seconds.observe(seconds);
}
