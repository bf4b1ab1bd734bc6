import { isWord } from "./char-class.ts";
import { parsePattern } from "./parse.ts";
import { makeProgram, type Program } from "./program.ts";
import type { Assertion } from "./syntax.ts";

/** Where a pattern was found, in UTF-16 units. */
export interface Found {
  readonly start: number;
  readonly end: number;
}

/**
 * A pattern in RE2's syntax and with its guarantee: the time that a search takes is at most the product of the lengths of text and
 * pattern. There are no back-references and no look-around.
 */
export class Pattern {
  readonly #program: Program;

  /** @throws {PatternError} in Go's words */
  constructor(pattern: string) {
    this.#program = makeProgram(parsePattern(pattern), pattern);
  }

  /** Whether the pattern occurs anywhere. */
  test(text: string): boolean {
    return new Search(this.#program, text, true).from(0) !== undefined;
  }

  /** The first occurrence from `start` on; of several that begin there, the one that the pattern prefers. */
  find(text: string, start = 0): Found | undefined {
    return new Search(this.#program, text, false).from(start);
  }

  /** Occurrences that do not overlap, as many as `limit`. An empty one directly behind another does not count. */
  findAll(text: string, limit = Infinity): Found[] {
    const found: Found[] = [];
    let at = 0;
    let lastEnd = -1;
    while (found.length < limit && at <= text.length) {
      const next = this.find(text, at);
      if (next === undefined) break;
      const isEmpty = next.end === next.start;
      if (!isEmpty || next.start !== lastEnd) found.push(next);
      lastEnd = next.end;
      at = isEmpty ? next.end + widthAt(text, next.end) : next.end;
    }
    return found;
  }
}

const END = -1;

function pointAt(text: string, at: number): number {
  return at < 0 || at >= text.length ? END : text.codePointAt(at)!;
}

function widthAt(text: string, at: number): number {
  return pointAt(text, at) > 0xff_ff ? 2 : 1;
}

function pointBefore(text: string, at: number): number {
  if (at <= 0) return END;
  const unit = text.charCodeAt(at - 1);
  return unit >= 0xdc_00 && unit < 0xe0_00 && at > 1 ? text.codePointAt(at - 2)! : unit;
}

/** Threads in the order in which the pattern prefers them; each step occurs once. */
class Threads {
  readonly steps: number[] = [];
  readonly starts: number[] = [];
  readonly #seen: Uint32Array;
  #round = 1;

  constructor(size: number) {
    this.#seen = new Uint32Array(size);
  }

  clear(): void {
    this.steps.length = 0;
    this.starts.length = 0;
    this.#round++;
  }

  /** @returns whether the step is new */
  mark(step: number): boolean {
    if (this.#seen[step] === this.#round) return false;
    this.#seen[step] = this.#round;
    return true;
  }
}

/** Follows all ways through the program at once, a character at a time. */
class Search {
  readonly #program: Program;
  readonly #text: string;
  readonly #anyWillDo: boolean;

  /** @param anyWillDo the first end found is as good as the preferred one */
  constructor(program: Program, text: string, anyWillDo: boolean) {
    this.#program = program;
    this.#text = text;
    this.#anyWillDo = anyWillDo;
  }

  from(start: number): Found | undefined {
    const { steps } = this.#program;
    let current = new Threads(steps.length);
    let next = new Threads(steps.length);
    let found: Found | undefined;
    for (let at = start; ; ) {
      if (found === undefined) this.#add(current, this.#program.start, at, at);
      if (current.steps.length === 0 && found !== undefined) return found;
      const point = pointAt(this.#text, at);
      const width = point > 0xff_ff ? 2 : 1;
      const match = this.#step(current, next, point, at, width);
      if (match !== undefined) found = match;
      if (found !== undefined && this.#anyWillDo) return found;
      if (point === END) return found;
      at += width;
      [current, next] = [next, current];
      next.clear();
    }
  }

  /** @returns the best match that ends here; threads that are worse than it end with it */
  #step(current: Threads, next: Threads, point: number, at: number, width: number): Found | undefined {
    const { steps } = this.#program;
    for (let i = 0; i < current.steps.length; i++) {
      const step = steps[current.steps[i]!]!;
      if (step.op === "match") return { start: current.starts[i]!, end: at };
      if (step.op === "char" && point !== END && step.accepts(point)) this.#add(next, step.next, current.starts[i]!, at + width);
    }
    return undefined;
  }

  /** Adds a step with all that can be reached from it without reading a character. */
  #add(threads: Threads, first: number, start: number, at: number): void {
    const pending = [first];
    while (pending.length > 0) {
      const number = pending.pop()!;
      if (!threads.mark(number)) continue;
      const step = this.#program.steps[number]!;
      if (step.op === "split") pending.push(step.second, step.first);
      else if (step.op === "assert") {
        if (this.#holds(step.what, at)) pending.push(step.next);
      } else {
        threads.steps.push(number);
        threads.starts.push(start);
      }
    }
  }

  #holds(what: Assertion, at: number): boolean {
    const before = pointBefore(this.#text, at);
    const after = pointAt(this.#text, at);
    switch (what) {
      case "textStart":
        return before === END;
      case "textEnd":
        return after === END;
      case "lineStart":
        return before === END || before === 10;
      case "lineEnd":
        return after === END || after === 10;
      default:
        return (isWord(before) !== isWord(after)) === (what === "word");
    }
  }
}
