import type { Clock } from "#lib/clock.ts";
import { API_VERSION } from "./context.ts";

export type StepStyle = "text" | "json" | "quiet";

/** Shows what is done and how long each step took, a line each; no animation, as most take milliseconds. */
export class Steps {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #style: StepStyle;

  constructor(clock: Clock, write: (text: string) => void, style: StepStyle) {
    this.#clock = clock;
    this.#write = write;
    this.#style = style;
  }

  async run<T>(text: string, work: () => Promise<T> | T): Promise<T> {
    const startMs = this.#clock.monotonic();
    const result = await work();
    this.#show(text, Math.round(this.#clock.monotonic() - startMs));
    return result;
  }

  note(text: string): void {
    if (this.#style === "text") this.#write(`${text}\n`);
  }

  #show(text: string, durationMs: number): void {
    if (this.#style === "json") this.#write(`${JSON.stringify({ apiVersion: API_VERSION, kind: "Step", name: text, durationMs })}\n`);
    if (this.#style === "text") this.#write(`✓ ${text.padEnd(44)} ${String(durationMs).padStart(6)} ms\n`);
  }
}
