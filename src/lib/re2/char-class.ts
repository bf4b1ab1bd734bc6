import { type CharTest, PatternError } from "./syntax.ts";

/** Pairs of first and last code point. */
type Ranges = readonly (readonly [number, number])[];

function range(first: string, last: string): readonly [number, number] {
  return [first.codePointAt(0)!, last.codePointAt(0)!];
}

const DIGIT: Ranges = [range("0", "9")];
const SPACE: Ranges = [range("\t", "\n"), range("\f", "\r"), range(" ", " ")];
const WORD: Ranges = [range("0", "9"), range("A", "Z"), range("_", "_"), range("a", "z")];

const PERL: Readonly<Record<string, Ranges>> = { d: DIGIT, s: SPACE, w: WORD };

const POSIX: Readonly<Record<string, Ranges>> = {
  alnum: [range("0", "9"), range("A", "Z"), range("a", "z")],
  alpha: [range("A", "Z"), range("a", "z")],
  ascii: [[0, 0x7f]],
  blank: [range("\t", "\t"), range(" ", " ")],
  cntrl: [
    [0, 0x1f],
    [0x7f, 0x7f],
  ],
  digit: DIGIT,
  graph: [range("!", "~")],
  lower: [range("a", "z")],
  print: [range(" ", "~")],
  punct: [range("!", "/"), range(":", "@"), range("[", "`"), range("{", "~")],
  space: [range("\t", "\r"), range(" ", " ")],
  upper: [range("A", "Z")],
  word: WORD,
  xdigit: [range("0", "9"), range("A", "F"), range("a", "f")],
};

export function inRanges(ranges: Ranges): CharTest {
  return (point) => ranges.some(([first, last]) => point >= first && point <= last);
}

export function not(test: CharTest): CharTest {
  return (point) => !test(point);
}

export const isWord: CharTest = inRanges(WORD);

/** `\d`, `\S` and the like; undefined for other letters. */
export function perlClass(letter: string): CharTest | undefined {
  const ranges = PERL[letter.toLowerCase()];
  if (ranges === undefined) return undefined;
  const test = inRanges(ranges);
  return letter === letter.toLowerCase() ? test : not(test);
}

/** `[:alpha:]`, `[:^alpha:]`. @param text with brackets */
export function posixClass(text: string): CharTest {
  const isNegated = text.startsWith("[:^");
  const ranges = POSIX[text.slice(isNegated ? 3 : 2, -2)];
  if (ranges === undefined) throw new PatternError("invalid character class range", text);
  return isNegated ? not(inRanges(ranges)) : inRanges(ranges);
}

const CATEGORY = /^(?:C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/;

/** `\pL`, `\p{Greek}`, `\P{^Lu}`. @param text as written */
export function unicodeClass(text: string): CharTest {
  const inner = text.slice(2).replace(/^\{(.*)\}$/, "$1");
  const name = inner.replace(/^\^/, "");
  const isNegated = (text[1] === "P") !== inner.startsWith("^");
  const test = name === "Any" ? () => true : propertyTest(name, text);
  return isNegated ? not(test) : test;
}

function propertyTest(name: string, text: string): CharTest {
  if (!/^[A-Za-z_]+$/.test(name)) throw new PatternError("invalid character class range", text);
  const property = CATEGORY.test(name) ? name : `Script=${name}`;
  try {
    const known = new RegExp(`^\\p{${property}}$`, "u");
    return (point) => known.test(String.fromCodePoint(point));
  } catch {
    throw new PatternError("invalid character class range", text);
  }
}

/** The test without regard to case. */
export function folded(test: CharTest): CharTest {
  return (point) => test(point) || othersOf(point).some(test);
}

/** What differs from a character by its case alone, if that is one character. */
function othersOf(point: number): number[] {
  const char = String.fromCodePoint(point);
  const upper = char.toUpperCase();
  return [char.toLowerCase(), upper, upper.toLowerCase()].flatMap((other) => ([...other].length === 1 ? [other.codePointAt(0)!] : []));
}
