import type { JsonObject } from "#apimachinery/decode/own.ts";

import { sharedFields } from "./shared-fields.ts";

/** Some megabytes; then all is forgotten, and what is frequent soon known again. */
const MAX_STEPS = 20_000;

/** A text, by the piece that it ends with and what stands before that. Texts that begin alike share their beginning. */
class Step {
  readonly before: Step | undefined;
  readonly piece: string;
  fields: JsonObject | undefined;
  /** Most steps are always followed by the same one. */
  #first: Step | undefined;
  #others: Map<string, Step> | undefined;

  constructor(before: Step | undefined, piece: string) {
    this.before = before;
    this.piece = piece;
  }

  next(piece: string): Step | undefined {
    return this.#first?.piece === piece ? this.#first : this.#others?.get(piece);
  }

  add(piece: string): Step {
    const step = new Step(this, piece);
    if (this.#first === undefined) this.#first = step;
    else (this.#others ??= new Map()).set(piece, step);
    return step;
  }
}

function textTo(last: Step): string {
  const pieces: string[] = [];
  for (let step: Step | undefined = last; step !== undefined; step = step.before) pieces.push(step.piece);
  return pieces.reverse().join("");
}

let root = new Step(undefined, "");
let steps = 0;

/**
 * Writes FieldsV1 piece by piece, along the ways that others went before: programs that create a thousand objects own the same fields
 * of each, and their text is put together once.
 */
export class FieldsTrail {
  #at = root;

  take(piece: string): void {
    this.#at = this.#at.next(piece) ?? this.#step(piece);
  }

  /** Where it is, to come back to. */
  get mark(): unknown {
    return this.#at;
  }

  returnTo(mark: unknown): void {
    this.#at = mark as Step;
  }

  /** What has been written, as an object that all share. */
  fields(): JsonObject {
    this.#at.fields ??= sharedFields(textTo(this.#at));
    return this.#at.fields;
  }

  #step(piece: string): Step {
    if (++steps > MAX_STEPS) {
      root = new Step(undefined, "");
      steps = 0;
    }
    return this.#at.add(piece);
  }
}
