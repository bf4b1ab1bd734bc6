import { type Assertion, type CharTest, PatternError, type Re } from "./syntax.ts";

/** A step of a program; steps are referred to by their number. */
export type Instruction =
  | { readonly op: "char"; readonly accepts: CharTest; readonly next: number }
  | { readonly op: "split"; readonly first: number; readonly second: number }
  | { readonly op: "assert"; readonly what: Assertion; readonly next: number }
  | { readonly op: "match" };

export interface Program {
  readonly start: number;
  readonly steps: readonly Instruction[];
}

const MAX_STEPS = 500_000;

/** Programs are made from their end: each part is told which step follows it. */
export function makeProgram(re: Re, pattern: string): Program {
  const steps: Instruction[] = [{ op: "match" }];
  const emit = (step: Instruction): number => {
    if (steps.length >= MAX_STEPS) throw new PatternError("expression too large", pattern);
    return steps.push(step) - 1;
  };
  const make = (part: Re, next: number): number => {
    switch (part.op) {
      case "empty":
        return next;
      case "char":
        return emit({ op: "char", accepts: part.accepts, next });
      case "assert":
        return emit({ op: "assert", what: part.what, next });
      case "concat":
        return part.parts.reduceRight((after, each) => make(each, after), next);
      case "alternate":
        return part.parts.map((each) => make(each, next)).reduceRight((second, first) => emit({ op: "split", first, second }));
      default:
        return makeRepeat(part, next);
    }
  };
  const makeRepeat = ({ inner, min, max, greedy }: Extract<Re, { op: "repeat" }>, next: number): number => {
    const split = (enter: number, leave: number): Instruction => ({ op: "split", first: greedy ? enter : leave, second: greedy ? leave : enter });
    let start = next;
    if (max === Infinity) {
      const loop = emit({ op: "match" });
      steps[loop] = split(make(inner, loop), next);
      start = loop;
    } else for (let i = min; i < max; i++) start = emit(split(make(inner, start), next));
    for (let i = 0; i < min; i++) start = make(inner, start);
    return start;
  };
  return { start: make(re, 0), steps };
}
