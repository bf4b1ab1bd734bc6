import { typeOfValue } from "./inspect.ts";
import type { Frame, Run, Step } from "./run.ts";
import { Failure, ListValue, MapValue, type Value } from "./values.ts";

/** How upstream calls the values that a loop cannot go over. */
const GO_NAMES: Readonly<Record<string, string>> = {
  int: "types.Int",
  uint: "types.Uint",
  double: "types.Double",
  bool: "types.Bool",
  string: "types.String",
  bytes: "types.Bytes",
  null: "types.Null",
  timestamp: "types.Timestamp",
  duration: "types.Duration",
};

/** The steps of a comprehension. */
export interface Loop {
  readonly iterVar: string;
  readonly iterVar2: string | undefined;
  readonly accuVar: string;
  readonly range: Step;
  readonly init: Step;
  readonly condition: Step;
  readonly step: Step;
  readonly result: Step;
}

export function foldStep(loop: Loop): Step {
  return (frame) => {
    const range = loop.range(frame);
    if (range instanceof Failure) return range;
    const inner = new LoopFrame(loop, frame);
    if (range instanceof ListValue) runList(loop, inner, range);
    else if (range instanceof MapValue) runMap(loop, inner, range);
    else return new Failure(`got '${GO_NAMES[typeOfValue(range).kind] ?? typeOfValue(range).name}', expected iterable type`);
    inner.finish();
    return loop.result(inner);
  };
}

function runList(loop: Loop, frame: LoopFrame, range: ListValue): void {
  for (let i = 0; i < range.size; i++) {
    const goesOn = loop.iterVar2 === undefined ? frame.turn(range.get(i), undefined) : frame.turn(BigInt(i), range.get(i));
    if (!goesOn) return;
  }
}

function runMap(loop: Loop, frame: LoopFrame, range: MapValue): void {
  for (const key of range.keys()) {
    const goesOn = frame.turn(key, loop.iterVar2 === undefined ? undefined : (range.get(key) ?? null));
    if (!goesOn) return;
  }
}

/** The variables of a loop. The accumulator's first value is computed when it is first asked for. */
class LoopFrame implements Frame {
  readonly run: Run;
  readonly #loop: Loop;
  readonly #outer: Frame;
  #accumulator: Value | undefined;
  #first: Value | undefined;
  #second: Value | undefined;
  #isOver = false;

  constructor(loop: Loop, outer: Frame) {
    this.run = outer.run;
    this.#loop = loop;
    this.#outer = outer;
  }

  /** @returns whether the loop goes on */
  turn(first: Value, second: Value | undefined): boolean {
    this.#first = first;
    this.#second = second;
    if (this.#loop.condition(this) === false) return false;
    this.#accumulator = this.#loop.step(this);
    return true;
  }

  /** From here on only the accumulator is known. */
  finish(): void {
    this.#isOver = true;
  }

  find(name: string): Value | undefined {
    const { accuVar, iterVar, iterVar2, init } = this.#loop;
    if (name === accuVar) {
      if (this.#accumulator === undefined) this.#accumulator = init(this.#outer);
      return this.#accumulator;
    }
    if (!this.#isOver && name === iterVar) return this.#first;
    if (!this.#isOver && name === iterVar2) return this.#second;
    return this.#outer.find(name);
  }
}
