/** Randomness as a parameter: a function that gives numbers from 0 up to, not including, 1. */
export type Rng = () => number;

/** A small seeded generator (mulberry32); the same seed gives the same numbers. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The machine's randomness. */
export const systemRng: Rng = () => Math.random();

/** Upstream's alphabet for generated names: no vowels, so no words. */
const NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** `length` characters as upstream appends them to a generateName. */
export function randomSuffix(rng: Rng, length = 5): string {
  let suffix = "";
  for (let i = 0; i < length; i++) suffix += NAME_ALPHABET[Math.floor(rng() * NAME_ALPHABET.length)];
  return suffix;
}
