import type { Literal } from "./ast.ts";
import type { Token } from "./lexer.ts";
import { SyntaxFault } from "./parse-faults.ts";
import { unescapeBytes, unescapeString } from "./unescape.ts";

const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

/** @param sign "-" or nothing, before a number */
export function literalOf({ kind, text, offset }: Token, sign: string): Literal | SyntaxFault {
  switch (kind) {
    case "NUM_INT":
      return integer(text, sign) ?? new SyntaxFault(offset, "invalid int literal");
    case "NUM_UINT":
      return unsigned(text.slice(0, -1)) ?? new SyntaxFault(offset, "invalid uint literal");
    case "NUM_FLOAT":
      return finite(Number(sign + text)) ?? new SyntaxFault(offset, "invalid double literal");
    case "STRING":
      return unescapeString(text) ?? new SyntaxFault(offset, "invalid unicode code point");
    case "BYTES":
      return unescapeBytes(text.slice(1)) ?? new SyntaxFault(offset, "unable to unescape string");
    case "true":
      return true;
    case "false":
      return false;
    default:
      return null;
  }
}

function integer(text: string, sign: string): bigint | undefined {
  const value = sign === "-" ? -BigInt(text) : BigInt(text);
  return value < MIN_INT || value > MAX_INT ? undefined : value;
}

function unsigned(text: string): { readonly uint: bigint } | undefined {
  const value = BigInt(text);
  return value > MAX_UINT ? undefined : { uint: value };
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
