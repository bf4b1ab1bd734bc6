import type { Issue } from "./source.ts";

export type TokenKind =
  | "operator"
  | "in"
  | "true"
  | "false"
  | "null"
  | "NUM_FLOAT"
  | "NUM_INT"
  | "NUM_UINT"
  | "STRING"
  | "BYTES"
  | "IDENTIFIER"
  | "ESC_IDENTIFIER"
  | "eof";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly offset: number;
}

const IGNORED = /(?:[\t \r\n\f]+|\/\/[^\n]*)+/y;
const FLOAT = /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y;
const UINT = /(?:0x[0-9a-fA-F]+|\d+)[uU]/y;
const INT = /(?:0x[0-9a-fA-F]+|\d+)/y;
const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?\x60]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`;
const STRINGS = [
  String.raw`[rR]"""[^]*?"""`,
  String.raw`[rR]'''[^]*?'''`,
  String.raw`[rR]"[^"\n\r]*"`,
  String.raw`[rR]'[^'\n\r]*'`,
  String.raw`"""(?:${ESCAPE}|[^\\])*?"""`,
  String.raw`'''(?:${ESCAPE}|[^\\])*?'''`,
  String.raw`"(?:${ESCAPE}|[^\\"\n\r])*"`,
  String.raw`'(?:${ESCAPE}|[^\\'\n\r])*'`,
].join("|");
const STRING = new RegExp(`(?:${STRINGS})`, "y");
const BYTES = new RegExp(`[bB](?:${STRINGS})`, "y");
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const ESCAPED = /`[A-Za-z0-9_.\-/ ]+`/y;
const OPERATOR = /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/y;
const KEYWORDS: ReadonlySet<string> = new Set(["in", "true", "false", "null"]);

const RULES: readonly (readonly [TokenKind, RegExp])[] = [
  ["NUM_FLOAT", FLOAT],
  ["NUM_UINT", UINT],
  ["NUM_INT", INT],
  ["BYTES", BYTES],
  ["STRING", STRING],
  ["IDENTIFIER", IDENTIFIER],
  ["ESC_IDENTIFIER", ESCAPED],
  ["operator", OPERATOR],
];

export interface Lexed {
  readonly tokens: readonly Token[];
  readonly issues: readonly Issue[];
}

/** Tokens of an expression, with one of kind "eof" at the end. What is no token becomes an issue and is left out. */
export function lex(source: string): Lexed {
  const tokens: Token[] = [];
  const issues: Issue[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(IGNORED, source, at).length;
    if (at >= source.length) break;
    const token = tokenAt(source, at);
    if (token === undefined) {
      const bad = unrecognized(source, at);
      issues.push({ offset: at, message: `Syntax error: token recognition error at: '${printable(bad)}'` });
      at += bad.length;
    } else {
      tokens.push(token);
      at += token.text.length;
    }
  }
  tokens.push({ kind: "eof", text: "<EOF>", offset: source.length });
  return { tokens, issues };
}

function tokenAt(source: string, offset: number): Token | undefined {
  for (const [kind, rule] of RULES) {
    const text = matchAt(rule, source, offset);
    if (text === "") continue;
    if (kind === "IDENTIFIER" && KEYWORDS.has(text)) return { kind: text as TokenKind, text, offset };
    return { kind, text, offset };
  }
  return undefined;
}

function matchAt(rule: RegExp, source: string, offset: number): string {
  rule.lastIndex = offset;
  return rule.exec(source)?.[0] ?? "";
}

const QUOTE = /[bB]?[rR]?("""|'''|"|')/y;

/** What the lexer gives up on: a string up to where it breaks off, else one character. */
function unrecognized(source: string, offset: number): string {
  const opening = matchAt(QUOTE, source, offset);
  if (opening === "") return twoCharacterStart(source, offset) ?? String.fromCodePoint(source.codePointAt(offset)!);
  const quote = opening.replace(/^[bBrR]+/, "");
  const isRaw = /[rR]/.test(opening);
  let end = offset + opening.length;
  while (end < source.length) {
    const char = source[end]!;
    if (quote.length === 1 && (char === "\n" || char === "\r")) return source.slice(offset, end + 1);
    if (char === "\\" && !isRaw) {
      ESCAPE_AT.lastIndex = end;
      const escape = ESCAPE_AT.exec(source)?.[0];
      if (escape === undefined) return source.slice(offset, Math.min(source.length, end + brokenEscape(source, end)));
      end += escape.length;
    } else end += char.length;
  }
  return source.slice(offset, end);
}

const ESCAPE_AT = new RegExp(ESCAPE, "y");
const ESCAPE_PREFIX = /\\(?:[0-3][0-7]?|[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?/y;

/** Length of an escape sequence that went wrong, with the character at which it did. */
function brokenEscape(source: string, at: number): number {
  ESCAPE_PREFIX.lastIndex = at;
  return (ESCAPE_PREFIX.exec(source)?.[0].length ?? 1) + 1;
}

function twoCharacterStart(source: string, offset: number): string | undefined {
  const char = source[offset];
  if (char !== "&" && char !== "|" && char !== "=") return undefined;
  const next = source[offset + 1];
  return next === undefined ? char : char + next;
}

function printable(text: string): string {
  return text.replaceAll("\n", String.raw`\n`).replaceAll("\r", String.raw`\r`).replaceAll("\t", String.raw`\t`);
}
