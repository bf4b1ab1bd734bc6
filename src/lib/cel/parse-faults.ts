import type { Token, TokenKind } from "./lexer.ts";

/** A fault of the syntax, in the words of the parser generator that cel-go uses, as users meet them in a Status. */
export class SyntaxFault extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const LITERALS = "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER";

/** What an operand may begin with, where the parser looks for one. */
export const OPERANDS = {
  plain: `{'[', '{', '(', '.', '-', '!', ${LITERALS}}`,
  argument: `{'[', '{', '(', ')', '.', '-', '!', ${LITERALS}}`,
  element: `{'[', ']', '{', '(', '.', ',', '-', '!', '?', ${LITERALS}}`,
  entry: `{'[', '{', '}', '(', '.', ',', '-', '!', '?', ${LITERALS}}`,
  index: `{'[', '{', '(', '.', '-', '!', '?', ${LITERALS}}`,
} as const;

const STARTS: ReadonlySet<string> = new Set(["[", "{", "(", ".", "-", "!"]);
const KINDS: ReadonlySet<TokenKind> = new Set<TokenKind>(["true", "false", "null", "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES", "IDENTIFIER"]);

export function startsOperand({ kind, text }: Token): boolean {
  return KINDS.has(kind) || (kind === "operator" && STARTS.has(text));
}

const AFTER: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "/", "%", "?", ".", "["]);
const CLOSERS: ReadonlySet<string> = new Set([")", "]", "}", ",", ":"]);

/** Whether an expression may go on with the token. @param isNested in brackets */
export function mayFollow({ kind, text }: Token, isNested: boolean): boolean {
  if (kind === "eof" || kind === "in") return true;
  return kind === "operator" && (AFTER.has(text) || (isNested && CLOSERS.has(text)));
}

export function extraneous({ text, offset }: Token, expected: string): SyntaxFault {
  return new SyntaxFault(offset, `Syntax error: extraneous input '${text}' expecting ${expected}`);
}

export function mismatched({ text, offset }: Token, expected: string): SyntaxFault {
  return new SyntaxFault(offset, `Syntax error: mismatched input '${text}' expecting ${expected}`);
}

export function missing({ text, offset }: Token, expected: string): SyntaxFault {
  return new SyntaxFault(offset, `Syntax error: missing '${expected}' at '${text}'`);
}

/** A dot without a name behind it. */
export function noName({ kind, text, offset }: Token): SyntaxFault {
  if (kind === "true" || kind === "false" || kind === "null") return mismatched({ kind, text, offset }, "IDENTIFIER");
  return new SyntaxFault(offset, `Syntax error: no viable alternative at input '.${kind === "eof" ? "" : text}'`);
}
