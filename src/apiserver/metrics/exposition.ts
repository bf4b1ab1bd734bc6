/** Label values by label name; the order does not matter. */
export type Labels = Readonly<Record<string, string>>;

export type Sample = readonly [labels: Labels, value: number];

/** One metric in the text format of Prometheus, or nothing without samples. */
export function metric(name: string, type: "counter" | "gauge", help: string, samples: Iterable<Sample>): string {
  const lines = [...samples].map(([labels, value]) => `${name}${labelText(labels)} ${numberText(value)}\n`);
  return lines.length === 0 ? "" : `${header(name, type, help)}${lines.join("")}`;
}

/** How often values lay below each of some bounds. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds rising */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += value;
  }

  lines(name: string, labels: Labels): string {
    let total = 0;
    const buckets = this.#counts.map((count, bucket) => {
      const bound = this.#bounds[bucket];
      return `${name}_bucket${labelText({ ...labels, le: bound === undefined ? "+Inf" : numberText(bound) })} ${(total += count)}\n`;
    });
    return `${buckets.join("")}${name}_sum${labelText(labels)} ${numberText(this.#sum)}\n${name}_count${labelText(labels)} ${total}\n`;
  }
}

export function histograms(name: string, help: string, all: Iterable<readonly [Labels, Histogram]>): string {
  const text = [...all].map(([labels, histogram]) => histogram.lines(name, labels)).join("");
  return text === "" ? "" : `${header(name, "histogram", help)}${text}`;
}

const header = (name: string, type: string, help: string) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

function labelText(labels: Labels): string {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return "";
  return `{${names.map((name) => `${name}="${escaped(labels[name]!)}"`).join(",")}}`;
}

const escaped = (text: string) => (/[\\"\n]/.test(text) ? text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : text);

/** As Go writes floats: exponents from 1e+06 on and below 1e-4. */
function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e21 || size < 1e-4)) return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  return size >= 1e6 ? value.toExponential().replace(/e([+-])(\d)$/, "e$10$2") : String(value);
}
