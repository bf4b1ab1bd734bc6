import { folded, inRanges, not, perlClass, posixClass, unicodeClass } from "./char-class.ts";
import { type Assertion, type CharTest, type Flags, NO_FLAGS, PatternError, type Re } from "./syntax.ts";

const MAX_REPEAT = 1000;
const MAX_NESTING = 1000;

/** Parses a pattern in Go's syntax. @throws {PatternError} */
export function parsePattern(pattern: string): Re {
  const parser = new PatternParser(pattern);
  const re = parser.alternatives(NO_FLAGS, 0);
  if (!parser.isAtEnd()) throw new PatternError("unexpected )", pattern);
  checkRepeats(re, MAX_REPEAT);
  return re;
}

const ASSERTIONS: Readonly<Record<string, Assertion>> = { A: "textStart", z: "textEnd", b: "word", B: "notWord" };
const CONTROL: Readonly<Record<string, string>> = { a: "\x07", f: "\f", t: "\t", n: "\n", r: "\r", v: "\v" };

class PatternParser {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#pattern.length;
  }

  /** Up to a closing parenthesis or the end. Flags that a part sets hold to the end of its group. */
  alternatives(outer: Flags, depth: number): Re {
    if (depth > MAX_NESTING) throw new PatternError("expression nests too deeply", this.#pattern);
    let flags = outer;
    const branches: Re[] = [];
    let parts: Re[] = [];
    while (!this.isAtEnd() && !this.#sees(")")) {
      if (this.#skip("|")) {
        branches.push(concat(parts));
        parts = [];
        continue;
      }
      const set = this.#flagGroup(flags);
      if (set === undefined) this.#piece(parts, flags, depth);
      else flags = set;
    }
    branches.push(concat(parts));
    return branches.length === 1 ? branches[0]! : { op: "alternate", parts: branches };
  }

  /** `(?i)`: flags for what follows. */
  #flagGroup(flags: Flags): Flags | undefined {
    const match = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(this.#rest());
    if (match === null || (match[1] === "" && match[2] === undefined)) return undefined;
    this.#at += match[0].length;
    return changed(flags, match[1]!, match[2] ?? "");
  }

  #piece(parts: Re[], flags: Flags, depth: number): void {
    const before = this.#at;
    const quoted = this.#quoted(flags);
    if (quoted !== undefined) {
      parts.push(...quoted);
      if (quoted.length === 0) return;
    } else if (this.#repeatAhead() !== undefined) {
      throw new PatternError("missing argument to repetition operator", this.#repeatAhead()!);
    } else parts.push(this.#atom(flags, depth));
    const first = this.#repeat(parts, flags);
    const again = first ? this.#repeatAhead() : undefined;
    if (again !== undefined) throw new PatternError("invalid nested repetition operator", this.#pattern.slice(this.#lastRepeat, this.#at) + again);
    if (this.#at === before) throw new PatternError("internal error", this.#pattern);
  }

  /** `\Q...\E`: characters that mean themselves. */
  #quoted(flags: Flags): Re[] | undefined {
    if (!this.#rest().startsWith(String.raw`\Q`)) return undefined;
    const end = this.#pattern.indexOf(String.raw`\E`, this.#at + 2);
    const text = this.#pattern.slice(this.#at + 2, end === -1 ? undefined : end);
    this.#at = end === -1 ? this.#pattern.length : end + 2;
    return [...text].map((char) => literal(char.codePointAt(0)!, flags));
  }

  #lastRepeat = 0;

  #repeatAhead(): string | undefined {
    return /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(this.#rest())?.[0];
  }

  #repeat(parts: Re[], flags: Flags): boolean {
    const text = this.#repeatAhead();
    if (text === undefined) return false;
    this.#lastRepeat = this.#at;
    this.#at += text.length;
    const [min, max] = repeatBounds(text);
    if (min > MAX_REPEAT || (max !== Infinity && (max > MAX_REPEAT || max < min))) throw new PatternError("invalid repeat count", text.replace(/\?$/, ""));
    const isLazy = text.length > 1 && text.endsWith("?");
    parts.push({ op: "repeat", inner: parts.pop()!, min, max, greedy: isLazy === flags.swapGreed });
    return true;
  }

  #atom(flags: Flags, depth: number): Re {
    const char = this.#take();
    switch (char) {
      case "(":
        return this.#group(flags, depth);
      case "[":
        return { op: "char", accepts: this.#class(flags) };
      case ".":
        return { op: "char", accepts: flags.dotAll ? () => true : (point) => point !== 10 };
      case "^":
        return { op: "assert", what: flags.multiLine ? "lineStart" : "textStart" };
      case "$":
        return { op: "assert", what: flags.multiLine ? "lineEnd" : "textEnd" };
      case "\\":
        return this.#escape(flags);
      default:
        return literal(char.codePointAt(0)!, flags);
    }
  }

  #group(outer: Flags, depth: number): Re {
    let flags = outer;
    if (this.#sees("?")) flags = this.#groupHead(outer);
    const inner = this.alternatives(flags, depth + 1);
    if (!this.#skip(")")) throw new PatternError("missing closing )", this.#pattern);
    return inner;
  }

  /** What stands between `(?` and the group's pattern. */
  #groupHead(flags: Flags): Flags {
    const rest = this.#rest();
    if (/^\?P?</.test(rest)) {
      this.#captureName(rest);
      return flags;
    }
    const match = /^\?([imsU]*)(?:-([imsU]+))?:/.exec(rest);
    if (match === null) throw new PatternError("invalid or unsupported Perl syntax", `(${/^\?[imsU-]*./su.exec(rest)?.[0] ?? rest}`);
    this.#at += match[0].length;
    return changed(flags, match[1]!, match[2] ?? "");
  }

  #captureName(rest: string): void {
    const match = /^\?P?<([^>]*)>/.exec(rest);
    if (match === null) throw new PatternError("invalid named capture", `(${rest}`);
    if (!/^[A-Za-z0-9_]+$/.test(match[1]!)) throw new PatternError("invalid named capture", `(${match[0]}`);
    this.#at += match[0].length;
  }

  #escape(flags: Flags): Re {
    const letter = this.#pattern[this.#at];
    const what = letter === undefined ? undefined : ASSERTIONS[letter];
    if (what !== undefined) {
      this.#at++;
      return { op: "assert", what };
    }
    const accepts = this.#escapedClass();
    if (accepts !== undefined) return { op: "char", accepts: flags.ignoreCase ? folded(accepts) : accepts };
    return literal(this.#escapedPoint(), flags);
  }

  /** After a backslash: `d`, `pL`, `p{Greek}`. */
  #escapedClass(): CharTest | undefined {
    const letter = this.#pattern[this.#at] ?? "";
    const perl = perlClass(letter);
    if (perl !== undefined) {
      this.#at++;
      return perl;
    }
    if (letter !== "p" && letter !== "P") return undefined;
    const text = /^[pP](?:\{[^}]*\}|[^{])/u.exec(this.#rest())?.[0];
    if (text === undefined) throw new PatternError("invalid character class range", `\\${this.#rest()}`);
    this.#at += text.length;
    return unicodeClass(`\\${text}`);
  }

  /** After a backslash: one character, however it is written. */
  #escapedPoint(): number {
    if (this.isAtEnd()) throw new PatternError("trailing backslash at end of expression", "");
    const rest = this.#rest();
    const hex = /^x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))/.exec(rest);
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    if (hex !== null) {
      const point = Number.parseInt(hex[1] ?? hex[2]!, 16);
      if (point > 0x10_ff_ff) throw new PatternError("invalid escape sequence", `\\${hex[0].slice(0, -1)}`);
      this.#at += hex[0].length;
      return point;
    }
    if (octal !== null) {
      this.#at += octal[0].length;
      return Number.parseInt(octal[0], 8);
    }
    const char = this.#take();
    const control = CONTROL[char];
    if (control !== undefined) return control.charCodeAt(0);
    if (/^[A-Za-z0-9]$/.test(char) || char.codePointAt(0)! > 0x7f) throw new PatternError("invalid escape sequence", `\\${char}`);
    return char.charCodeAt(0);
  }

  /** After the opening bracket. */
  #class(flags: Flags): CharTest {
    const start = this.#at - 1;
    const isNegated = this.#skip("^");
    const tests: CharTest[] = [];
    for (let isFirst = true; isFirst || !this.#sees("]"); isFirst = false) {
      if (this.isAtEnd()) throw new PatternError("missing closing ]", this.#pattern.slice(start));
      tests.push(this.#classItem());
    }
    this.#at++;
    const any: CharTest = (point) => tests.some((test) => test(point));
    const accepts = flags.ignoreCase ? folded(any) : any;
    return isNegated ? not(accepts) : accepts;
  }

  #classItem(): CharTest {
    const posix = /^\[:[^\]]*:\]/.exec(this.#rest())?.[0];
    if (posix !== undefined) {
      this.#at += posix.length;
      return posixClass(posix);
    }
    if (this.#skip("\\")) {
      const accepts = this.#escapedClass();
      if (accepts !== undefined) return accepts;
      this.#at--;
    }
    return this.#classRange();
  }

  #classRange(): CharTest {
    const start = this.#at;
    const first = this.#classPoint();
    if (!/^-[^\]]/su.test(this.#rest())) return (point) => point === first;
    this.#at++;
    const last = this.#classPoint();
    if (last < first) throw new PatternError("invalid character class range", this.#pattern.slice(start, this.#at));
    return inRanges([[first, last]]);
  }

  #classPoint(): number {
    return this.#skip("\\") ? this.#escapedPoint() : this.#take().codePointAt(0)!;
  }

  #rest(): string {
    return this.#pattern.slice(this.#at);
  }

  #sees(char: string): boolean {
    return this.#pattern[this.#at] === char;
  }

  #skip(char: string): boolean {
    if (!this.#sees(char)) return false;
    this.#at++;
    return true;
  }

  #take(): string {
    const char = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
    this.#at += char.length;
    return char;
  }
}

function concat(parts: readonly Re[]): Re {
  if (parts.length === 0) return { op: "empty" };
  return parts.length === 1 ? parts[0]! : { op: "concat", parts };
}

function literal(wanted: number, { ignoreCase }: Flags): Re {
  const accepts: CharTest = (point) => point === wanted;
  return { op: "char", accepts: ignoreCase ? folded((point) => point === wanted || point === lowerOf(wanted)) : accepts };
}

function lowerOf(point: number): number {
  return String.fromCodePoint(point).toLowerCase().codePointAt(0)!;
}

function changed(flags: Flags, on: string, off: string): Flags {
  const value = (letter: string, current: boolean): boolean => (current || on.includes(letter)) && !off.includes(letter);
  return {
    ignoreCase: value("i", flags.ignoreCase),
    multiLine: value("m", flags.multiLine),
    dotAll: value("s", flags.dotAll),
    swapGreed: value("U", flags.swapGreed),
  };
}

function repeatBounds(text: string): [number, number] {
  if (text.startsWith("*")) return [0, Infinity];
  if (text.startsWith("+")) return [1, Infinity];
  if (text.startsWith("?")) return [0, 1];
  const [, min = "", comma, max = ""] = /^\{(\d+)(,?)(\d*)\}/.exec(text)!;
  return [Number(min), comma === "" ? Number(min) : max === "" ? Infinity : Number(max)];
}

/** Nested counts multiply; together they must stay within the limit. */
function checkRepeats(re: Re, allowed: number): void {
  if (re.op === "concat" || re.op === "alternate") for (const part of re.parts) checkRepeats(part, allowed);
  if (re.op !== "repeat") return;
  const count = re.max === Infinity ? re.min : re.max;
  if (count > allowed) throw new PatternError("invalid repeat count", `{${re.min}${re.max === re.min ? "" : `,${re.max === Infinity ? "" : re.max}`}}`);
  checkRepeats(re.inner, count > 1 ? Math.floor(allowed / count) : allowed);
}
