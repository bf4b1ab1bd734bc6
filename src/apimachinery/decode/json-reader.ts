import { DecodeError } from "./decode-error.ts";
import type { ParsedJson } from "./json.ts";
import { type JsonObject, setOwn } from "./own.ts";

/**
 * Reads JSON with everything that a native parser loses: repeated members, literals of numbers. Recursive and slow, for
 * the texts that need it, and for Go's words about those that are wrong.
 *
 * @throws {DecodeError} with encoding/json's text
 */
export function readJson(text: string): ParsedJson {
  const reader = new JsonReader(text);
  const value = reader.document();
  return { value, duplicates: reader.duplicates, notes: { memberOrder: reader.memberOrder, literals: reader.literals } };
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const LITERALS = { t: "true", f: "false", n: "null" } as const;

class JsonReader {
  readonly duplicates: string[] = [];
  readonly memberOrder = new WeakMap<object, readonly string[]>();
  readonly literals = new WeakMap<object, Map<string, string>>();
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value("", undefined, "");
    this.#space();
    if (this.#at < this.#text.length) this.#fail("after top-level value");
    return value;
  }

  /** @param holder the container that is to hold the value at `key`, to note literals with */
  #value(path: string, holder: object | undefined, key: string): unknown {
    this.#space();
    const c = this.#text[this.#at];
    if (c === "{") return this.#object(path);
    if (c === "[") return this.#array(path);
    if (c === '"') return this.#string();
    if (c === "t" || c === "f" || c === "n") return this.#literal(LITERALS[c]);
    if (c === "-" || isDigit(c)) return this.#number(holder, key);
    return this.#fail("looking for beginning of value");
  }

  #object(path: string): JsonObject {
    const object: JsonObject = {};
    const names: string[] = [];
    this.#at++;
    this.#space();
    if (this.#take("}")) return object;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail("looking for beginning of object key string");
      const name = this.#string();
      this.#space();
      if (!this.#take(":")) this.#fail("after object key");
      const memberPath = path === "" ? name : `${path}.${name}`;
      if (Object.hasOwn(object, name)) this.#noteDuplicate(object, names, memberPath);
      names.push(name);
      setOwn(object, name, this.#value(memberPath, object, name));
      this.#space();
      if (this.#take("}")) return object;
      if (!this.#take(",")) this.#fail("after object key:value pair");
    }
  }

  #noteDuplicate(object: JsonObject, names: string[], path: string): void {
    this.duplicates.push(path);
    this.memberOrder.set(object, names);
  }

  #array(path: string): unknown[] {
    const array: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#take("]")) return array;
    for (;;) {
      array.push(this.#value(`${path}[${array.length}]`, array, String(array.length)));
      this.#space();
      if (this.#take("]")) return array;
      if (!this.#take(",")) this.#fail("after array element");
    }
  }

  #string(): string {
    let value = "";
    let from = ++this.#at;
    for (; ; this.#at++) {
      const c = this.#text[this.#at];
      if (c === undefined) return this.#fail("in string literal");
      if (c === '"') break;
      if (c < " ") return this.#fail("in string literal");
      if (c !== "\\") continue;
      value += this.#text.slice(from, this.#at++) + this.#escape();
      from = this.#at + 1;
    }
    value += this.#text.slice(from, this.#at++);
    return value.toWellFormed();
  }

  #escape(): string {
    const c = this.#text[this.#at] ?? "";
    const plain = ESCAPES[c];
    if (plain !== undefined) return plain;
    if (c !== "u") return this.#fail("in string escape code");
    for (let digits = 0; digits < 4; digits++) {
      this.#at++;
      if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? "")) this.#fail("in \\u hexadecimal character escape");
    }
    return String.fromCharCode(Number.parseInt(this.#text.slice(this.#at - 3, this.#at + 1), 16));
  }

  #literal(word: "true" | "false" | "null"): unknown {
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) this.#fail(`in literal ${word} (expecting '${letter}')`);
      this.#at++;
    }
    return word === "null" ? null : word === "true";
  }

  #number(holder: object | undefined, key: string): number {
    const start = this.#at;
    this.#take("-");
    if (!this.#take("0")) this.#digits("in numeric literal");
    if (this.#take(".")) this.#digits("after decimal point in numeric literal");
    if (this.#take("e") || this.#take("E")) {
      if (!this.#take("+")) this.#take("-");
      this.#digits("in exponent of numeric literal");
    }
    const literal = this.#text.slice(start, this.#at);
    const value = Number(literal);
    if (holder !== undefined && String(value) !== literal) {
      if (!this.literals.has(holder)) this.literals.set(holder, new Map());
      this.literals.get(holder)!.set(key, literal);
    }
    return value;
  }

  #digits(context: string): void {
    if (!isDigit(this.#text[this.#at])) this.#fail(context);
    while (isDigit(this.#text[this.#at])) this.#at++;
  }

  #space(): void {
    for (; ; this.#at++) {
      const c = this.#text[this.#at];
      if (c !== " " && c !== "\n" && c !== "\t" && c !== "\r") return;
    }
  }

  #take(c: string): boolean {
    if (this.#text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #fail(context: string): never {
    const c = this.#text.codePointAt(this.#at);
    if (c === undefined) throw new DecodeError("unexpected end of JSON input");
    throw new DecodeError(`invalid character ${quotedByte(c)} ${context}`);
  }
}

const isDigit = (c: string | undefined) => c !== undefined && c >= "0" && c <= "9";

/** Go looks at bytes: what it quotes of a longer character is its first byte, as if that were a character. */
function quotedByte(codePoint: number): string {
  const char = String.fromCodePoint(codePoint);
  const byte = new TextEncoder().encode(char)[0]!;
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  const quoted = codePoint < 0x20 ? JSON.stringify(char).slice(1, -1) : byte === 0x7f ? "\\x7f" : String.fromCharCode(byte);
  return `'${codePoint === 0x5c ? "\\\\" : quoted.replace("\\u00", "\\x")}'`;
}
