import type { Target } from "./targets.ts";

/** `""` for a plain count. */
export type Unit = "ms" | "/s" | "MB" | "%" | "×" | "µs" | "";

/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  /** Spread, count of runs, size. */
  readonly note?: string;
  /** The same work without us, from the same run; in the row's unit. */
  readonly floor?: { readonly name: string; readonly value: number };
  readonly target?: Target;
}

const COLUMNS = ["what", "measured", "floor or peer", "must", "aim"] as const;

/** Markdown whose columns also line up as plain text. */
export function formatTable(rows: readonly Row[]): string {
  const cells = [COLUMNS, ...rows.map(cellsOf)];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => [...(line[column] ?? "")].length)));
  const print = (line: readonly string[]) => `| ${line.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - [...cell].length)).join(" | ")} |\n`;
  const [head = COLUMNS, ...body] = cells;
  return [print(head), print(widths.map((width) => "-".repeat(width))), ...body.map(print)].join("");
}

export function isMissed({ value, unit, target }: Row): boolean {
  // What is no number has reached nothing.
  return target !== undefined && !(unit === "/s" ? value >= target.must : value <= target.must);
}

function cellsOf(row: Row): readonly string[] {
  const { what, value, unit, note, floor, target } = row;
  const measured = `${formatValue(value, unit)}${note === undefined ? "" : ` (${note})`}${isMissed(row) ? " ✖" : ""}`;
  const peer = floor === undefined ? "" : `${floor.name} ${formatValue(floor.value, unit)}`;
  return [what, measured, peer, ...(target === undefined ? ["", ""] : [formatValue(target.must, unit), formatValue(target.aim, unit)])];
}

/** Three digits say all that a run can. */
export function formatValue(value: number, unit: Unit): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const text = value.toLocaleString("en-US", { maximumFractionDigits: digits });
  return unit === "/s" || unit === "" ? `${text}${unit}` : `${text} ${unit}`;
}
