/** What is wrong with the indexes, or how many they are. */
export type Indexes = { readonly total: number } | { readonly problem: string };

/** Reads ascending indexes like `1,3-5,7`, all below `completions`. */
export function parseIndexes(text: string, completions: number): Indexes {
  let total = 0;
  let last: number | undefined;
  for (const interval of text === "" ? [] : text.split(",")) {
    const limits = interval.split("-");
    if (limits.length > 2) {
      const problem = `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`;
      return { problem };
    }
    for (const limit of limits) {
      if (!/^[+-]?\d+$/.test(limit)) return { problem: `cannot convert string to integer for index: ${JSON.stringify(limit)}` };
      if (Number(limit) >= completions) return { problem: `too large index: ${JSON.stringify(limit)}` };
    }
    const first = Number(limits[0]);
    const end = Number(limits[1] ?? limits[0]);
    if (limits.length === 2 && first >= end) return { problem: `non-increasing order, previous: ${first}, current: ${end}` };
    if (last !== undefined && last >= first) return { problem: `non-increasing order, previous: ${last}, current: ${first}` };
    total += end - first + 1;
    last = end;
  }
  return { total };
}

/** The first index that both lists hold; parts that cannot be read are passed over. */
export function indexOverlap(a: string, b: string, completions: number): number | undefined {
  const readable = (text: string) => (text === "" ? [] : text.split(",")).filter((interval) => "total" in parseIndexes(interval, completions));
  const bounds = (text: string) =>
    readable(text)
      .map((interval) => interval.split("-").map(Number))
      .map(([x = 0, y = x]) => [x, y] as const);
  const others = bounds(b);
  for (const [x, y] of bounds(a)) {
    const other = others.find(([from, to]) => x <= to && from <= y);
    if (other) return Math.max(x, other[0]);
  }
  return undefined;
}
