/**
 * How many bits each byte's code has, in base 36, and at last those of the end (RFC 7541, appendix B). The code is canonical:
 * codes of one length follow one another in order of the bytes, so the lengths are all of it.
 */
const LENGTHS =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f56565666577666567655677777fbed" +
  "skmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu";
const END = 256;
const STEPS_PER_STATE = 16;
/** Longer padding than this is no padding. */
const MAX_PADDING_BITS = 7;

/** A machine that takes four bits at a time: no code is shorter, so a step gives one byte at most. */
interface Machine {
  /** By state and four bits: the next state; -1 where no code goes on. */
  readonly next: Int16Array;
  /** The byte that a step gives; -1 for none. */
  readonly emits: Int16Array;
  /** Whether a text may end here: with the beginning of the end's code, of less than a byte. */
  readonly mayEnd: Uint8Array;
}

let machine: Machine | undefined;

/** @returns latin1 text, `undefined` for what is no Huffman code */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | undefined {
  machine ??= makeMachine();
  const { next, emits, mayEnd } = machine;
  const text = Buffer.allocUnsafe(((end - start) * 8) / 5 + 1);
  let length = 0;
  let state = 0;
  for (let at = start; at < end; at++) {
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = state * STEPS_PER_STATE + ((bytes[at]! >> shift) & 15);
      state = next[step]!;
      if (state < 0) return undefined;
      if (emits[step]! >= 0) text[length++] = emits[step]!;
    }
  }
  return mayEnd[state] === 1 ? text.toString("latin1", 0, length) : undefined;
}

/** Inner nodes hold the numbers of their two children; a leaf is its byte, as a negative number. */
type Tree = [zero: number | undefined, one: number | undefined][];

const leaf = (symbol: number) => -1 - symbol;

function makeTree(): Tree {
  const lengths = [...LENGTHS].map((letter) => Number.parseInt(letter, 36));
  const symbols = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const tree: Tree = [[undefined, undefined]];
  let code = 0;
  let length = 0;
  for (const symbol of symbols) {
    code *= 2 ** (lengths[symbol]! - length);
    length = lengths[symbol]!;
    insert(tree, code++, length, symbol);
  }
  return tree;
}

function insert(tree: Tree, code: number, length: number, symbol: number): void {
  let node = 0;
  for (let bit = length - 1; bit > 0; bit--) {
    const side = (code >>> bit) & 1;
    let below = tree[node]![side];
    if (below === undefined) {
      below = tree.push([undefined, undefined]) - 1;
      tree[node]![side] = below;
    }
    node = below;
  }
  tree[node]![code & 1] = leaf(symbol);
}

function makeMachine(): Machine {
  const tree = makeTree();
  const next = new Int16Array(tree.length * STEPS_PER_STATE);
  const emits = new Int16Array(tree.length * STEPS_PER_STATE).fill(-1);
  for (let state = 0; state < tree.length; state++) {
    for (let bits = 0; bits < STEPS_PER_STATE; bits++) {
      const step = state * STEPS_PER_STATE + bits;
      let node = state;
      for (let bit = 3; bit >= 0 && node >= 0; bit--) {
        const below = tree[node]![(bits >> bit) & 1]!;
        if (below < 0 && below !== leaf(END)) emits[step] = leaf(below);
        node = below >= 0 ? below : below === leaf(END) ? -1 : 0;
      }
      next[step] = node;
    }
  }
  return { next, emits, mayEnd: endings(tree) };
}

function endings(tree: Tree): Uint8Array {
  const mayEnd = new Uint8Array(tree.length);
  let node = 0;
  for (let ones = 0; ones <= MAX_PADDING_BITS; ones++) {
    mayEnd[node] = 1;
    node = tree[node]![1]!;
  }
  return mayEnd;
}
