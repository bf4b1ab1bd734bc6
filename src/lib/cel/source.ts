/** What is wrong with an expression, and where. */
export interface Issue {
  /** Offset in UTF-16 units; `NO_LOCATION` where the fault has no place. */
  readonly offset: number;
  readonly message: string;
}

export const NO_LOCATION = -1;

const MAX_SNIPPET = 16_384;
const MAX_ISSUES = 100;

interface Location {
  readonly line: number;
  readonly column: number;
}

/** Line from 1, column from 0 in code points. */
function locate(source: string, offset: number): Location {
  if (offset === NO_LOCATION) return { line: -1, column: -1 };
  const before = source.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: codePointLength(before.slice(start)) };
}

/** Number of code points; a pair of surrogates is one. */
export function codePointLength(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if (isHighSurrogate(text.charCodeAt(i)) && isLowSurrogate(text.charCodeAt(i + 1))) {
      length--;
      i++;
    }
  }
  return length;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd8_00 && unit < 0xdc_00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc_00 && unit < 0xe0_00;
}

/**
 * The issues as cel-go prints them: sorted by place, each with its line and a caret below the place.
 *
 * @see google/cel-go common/errors.go
 */
export function displayIssues(source: string, issues: readonly Issue[]): string {
  const kept = issues.slice(0, MAX_ISSUES).map((issue) => ({ issue, at: locate(source, issue.offset) }));
  kept.sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  const lines = kept.map(({ issue, at }) => displayIssue(source, issue.message, at));
  if (issues.length > MAX_ISSUES) lines.push(`${issues.length - MAX_ISSUES} more errors were truncated`);
  return lines.join("\n");
}

function displayIssue(source: string, message: string, { line, column }: Location): string {
  const head = `ERROR: <input>:${line}:${column + 1}: ${message}`;
  const snippet = line < 1 || source === "" ? undefined : source.split("\n")[line - 1];
  if (snippet === undefined || Buffer.byteLength(snippet) > MAX_SNIPPET) return head;
  const shown = snippet.replaceAll("\t", " ");
  const points = [...shown];
  const dots = points.slice(0, column).map((point) => (isWide(point) ? "\uff0e" : "."));
  return `${head}\n | ${shown}\n | ${dots.join("")}${isWide(points[column]) ? "\uff3e" : "^"}`;
}

function isWide(point: string | undefined): boolean {
  return point !== undefined && point.codePointAt(0)! > 0x7f;
}
