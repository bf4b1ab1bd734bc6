/**
 * Orders strings as their UTF-8 bytes are ordered, which is the order of code points. `<` orders UTF-16 units: there
 * a surrogate (a code point beyond U+FFFF) comes before U+E000 to U+FFFF, though its bytes come after.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Lifts surrogates above all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Whether `<` orders this text as its bytes are ordered, against whatever other text. */
export function isPlainOrder(text: string): boolean {
  return !/[\ud800-\uffff]/.test(text);
}
