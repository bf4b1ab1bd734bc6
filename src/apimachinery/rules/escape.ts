/** Words that no identifier may be. */
export const RESERVED: ReadonlySet<string> = new Set([
  ...["true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"],
  ...["namespace", "return", "var", "void", "while"],
]);

const ESCAPES: Readonly<Record<string, string>> = { __: "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__" };
const UNESCAPES: Readonly<Record<string, string>> = { underscores: "__", dot: ".", dash: "-", slash: "/" };

/**
 * A property's name as expressions have to spell it: `my-name` is `my__dash__name`.
 *
 * @returns undefined for a name that no expression can speak of
 * @see apiserver pkg/cel/escaping.go
 */
export function escapeName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name.replace(/__|[-./]/g, (part) => ESCAPES[part]!);
}

/** The property that an identifier means; undefined where it means none. */
export function unescapeName(identifier: string): string | undefined {
  if (!identifier.includes("__")) return identifier;
  let isSound = true;
  const name = identifier.replace(/__([^_]+)__/g, (whole, word: string) => {
    const part = UNESCAPES[word];
    if (part !== undefined) return part;
    if (!RESERVED.has(word) || whole.length !== identifier.length) isSound = false;
    return word;
  });
  return isSound ? name : undefined;
}
