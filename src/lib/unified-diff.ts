/** A run of lines that both texts have: `size` lines, from `a` in the first and `b` in the second. */
interface Match {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

type Tag = "equal" | "replace" | "delete" | "insert";

interface Change {
  readonly tag: Tag;
  readonly a1: number;
  readonly a2: number;
  readonly b1: number;
  readonly b2: number;
}

/** Lines more common than this share of a long text do not start a match. */
const POPULAR_FROM_LINES = 200;

/**
 * The difference of two texts in unified form, without a header; lines match as in Python's difflib, which upstream's
 * messages come from.
 *
 * @param context unchanged lines around a change
 */
export function unifiedDiff(first: string, second: string, context = 3): string {
  const a = splitLines(first);
  const b = splitLines(second);
  const hunks = groupChanges(changesOf(a, b), context);
  return hunks.map((hunk) => formatHunk(hunk, a, b)).join("");
}

const splitLines = (text: string) => text.split("\n").map((line) => `${line}\n`);

function formatHunk(hunk: readonly Change[], a: readonly string[], b: readonly string[]): string {
  const start = hunk[0]!;
  const end = hunk.at(-1)!;
  let text = `@@ -${range(start.a1, end.a2)} +${range(start.b1, end.b2)} @@\n`;
  for (const { tag, a1, a2, b1, b2 } of hunk) {
    if (tag === "equal") {
      for (const line of a.slice(a1, a2)) text += ` ${line}`;
      continue;
    }
    for (const line of a.slice(a1, a2)) text += `-${line}`;
    for (const line of b.slice(b1, b2)) text += `+${line}`;
  }
  return text;
}

function range(from: number, to: number): string {
  const length = to - from;
  if (length === 1) return `${from + 1}`;
  return `${length === 0 ? from : from + 1},${length}`;
}

/** Changes with their context, close ones together. */
function groupChanges(changes: readonly Change[], context: number): Change[][] {
  const groups: Change[][] = [];
  let group: Change[] = [];
  for (const [i, change] of changes.entries()) {
    const { tag, a1, a2, b1, b2 } = change;
    if (tag !== "equal") {
      group.push(change);
      continue;
    }
    const isFirst = i === 0;
    const isLast = i === changes.length - 1;
    const length = a2 - a1;
    if (!isFirst && !isLast && length <= 2 * context) {
      group.push(change);
      continue;
    }
    const kept = Math.min(length, context);
    if (!isFirst) {
      group.push({ tag, a1, a2: a1 + kept, b1, b2: b1 + kept });
      groups.push(group);
      group = [];
    }
    if (!isLast) group.push({ tag, a1: a2 - kept, a2, b1: b2 - kept, b2 });
  }
  if (group.some(({ tag }) => tag !== "equal")) groups.push(group);
  return groups;
}

function changesOf(a: readonly string[], b: readonly string[]): Change[] {
  const changes: Change[] = [];
  let i = 0;
  let j = 0;
  for (const { a: a1, b: b1, size } of [...matchesOf(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (i < a1 && j < b1) changes.push({ tag: "replace", a1: i, a2: a1, b1: j, b2: b1 });
    else if (i < a1) changes.push({ tag: "delete", a1: i, a2: a1, b1: j, b2: b1 });
    else if (j < b1) changes.push({ tag: "insert", a1: i, a2: a1, b1: j, b2: b1 });
    i = a1 + size;
    j = b1 + size;
    if (size > 0) changes.push({ tag: "equal", a1, a2: i, b1, b2: j });
  }
  return changes;
}

/** The longest run in common, then the longest on either side of it, and so on; in order, neighbours joined. */
function matchesOf(a: readonly string[], b: readonly string[]): Match[] {
  const positions = positionsOf(b);
  const found: Match[] = [];
  const open = [{ a1: 0, a2: a.length, b1: 0, b2: b.length }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { a1, a2, b1, b2 } = next;
    const match = longestMatch(a, b, positions, a1, a2, b1, b2);
    if (match.size === 0) continue;
    found.push(match);
    if (a1 < match.a && b1 < match.b) open.push({ a1, a2: match.a, b1, b2: match.b });
    const aEnd = match.a + match.size;
    const bEnd = match.b + match.size;
    if (aEnd < a2 && bEnd < b2) open.push({ a1: aEnd, a2, b1: bEnd, b2 });
  }
  return joined(found.sort((x, y) => x.a - y.a || x.b - y.b));
}

function joined(matches: readonly Match[]): Match[] {
  const result: Match[] = [];
  for (const match of matches) {
    const last = result.at(-1);
    if (last && last.a + last.size === match.a && last.b + last.size === match.b) result[result.length - 1] = { ...last, size: last.size + match.size };
    else result.push(match);
  }
  return result;
}

function positionsOf(b: readonly string[]): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  for (const [j, line] of b.entries()) {
    const list = positions.get(line);
    if (list === undefined) positions.set(line, [j]);
    else list.push(j);
  }
  if (b.length >= POPULAR_FROM_LINES) {
    const limit = Math.floor(b.length / 100) + 1;
    for (const [line, list] of positions) if (list.length > limit) positions.delete(line);
  }
  return positions;
}

function longestMatch(
  a: readonly string[],
  b: readonly string[],
  positions: ReadonlyMap<string, readonly number[]>,
  a1: number,
  a2: number,
  b1: number,
  b2: number,
): Match {
  let best: Match = { a: a1, b: b1, size: 0 };
  let lengths = new Map<number, number>();
  for (let i = a1; i < a2; i++) {
    const next = new Map<number, number>();
    for (const j of positions.get(a[i]!) ?? []) {
      if (j < b1) continue;
      if (j >= b2) break;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    lengths = next;
  }
  let { a: i, b: j, size } = best;
  for (; i > a1 && j > b1 && a[i - 1] === b[j - 1]; i--, j--) size++;
  while (i + size < a2 && j + size < b2 && a[i + size] === b[j + size]) size++;
  return { a: i, b: j, size };
}
