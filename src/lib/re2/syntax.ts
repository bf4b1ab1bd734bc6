/** A pattern's tree. */
export type Re =
  | { readonly op: "empty" }
  | { readonly op: "char"; readonly accepts: CharTest }
  | { readonly op: "concat" | "alternate"; readonly parts: readonly Re[] }
  | { readonly op: "repeat"; readonly inner: Re; readonly min: number; readonly max: number; readonly greedy: boolean }
  | { readonly op: "assert"; readonly what: Assertion };

export type CharTest = (codePoint: number) => boolean;

export type Assertion = "lineStart" | "lineEnd" | "textStart" | "textEnd" | "word" | "notWord";

/** A pattern that RE2 does not accept. */
export class PatternError extends Error {
  /** @param code what is wrong @param at the part of the pattern that is */
  constructor(code: string, at: string) {
    super(`error parsing regexp: ${code}: \`${at}\``);
  }
}

export interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
  readonly swapGreed: boolean;
}

export const NO_FLAGS: Flags = { ignoreCase: false, multiLine: false, dotAll: false, swapGreed: false };
