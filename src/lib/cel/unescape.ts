const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "`": "`",
  "?": "?",
};

const PART = /\\([xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|[^])|[^\\]+/g;

/** The text between a literal's quotes: prefixes and quotes removed, newlines normalized. */
function bodyOf(literal: string): { readonly body: string; readonly isRaw: boolean } {
  const text = literal.replaceAll(/\r\n?/g, "\n");
  const isRaw = /^[rR]/.test(text);
  const quoted = isRaw ? text.slice(1) : text;
  const width = /^("""|''')/.test(quoted) && quoted.length >= 6 ? 3 : 1;
  return { body: quoted.slice(width, -width), isRaw };
}

/**
 * @param literal a string literal as written, with quotes and a prefix `r`
 * @returns undefined where an escape stands for no code point
 */
export function unescapeString(literal: string): string | undefined {
  const { body, isRaw } = bodyOf(literal);
  if (isRaw || !body.includes("\\")) return body;
  let text = "";
  for (const [part, escape] of body.matchAll(PART)) {
    const point = escape === undefined ? undefined : codePoint(escape);
    if (point !== undefined && (point > 0x10_ff_ff || (point >= 0xd8_00 && point < 0xe0_00))) return undefined;
    text += escape === undefined ? part : point === undefined ? SIMPLE[escape] : String.fromCodePoint(point);
  }
  return text;
}

/** As `unescapeString`, but `\x` and octal escapes are bytes. `\u` is not allowed: undefined. */
export function unescapeBytes(literal: string): Uint8Array | undefined {
  const { body, isRaw } = bodyOf(literal);
  if (isRaw) return Buffer.from(body);
  const parts: Buffer[] = [];
  for (const [part, escape] of body.matchAll(PART)) {
    if (escape === undefined) parts.push(Buffer.from(part));
    else if (/^[uU]/.test(escape)) return undefined;
    else parts.push(byteOf(escape));
  }
  return new Uint8Array(Buffer.concat(parts));
}

function byteOf(escape: string): Buffer {
  const point = codePoint(escape);
  return point === undefined ? Buffer.from(SIMPLE[escape] ?? escape) : Buffer.from([point & 0xff]);
}

function codePoint(escape: string): number | undefined {
  if (/^[xXuU]./.test(escape)) return Number.parseInt(escape.slice(1), 16);
  return /^[0-3][0-7]{2}$/.test(escape) ? Number.parseInt(escape, 8) : undefined;
}
