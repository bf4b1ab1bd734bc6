import { scalarText } from "#apiserver/http/yaml-scalar.ts";

/** Longer keys stand behind a question mark, as do those of several lines. */
const SIMPLE_KEY_BYTES = 128;

/** A JSON value as upstream's encoder writes it in YAML: keys in its order, lists not indented, long texts broken where it breaks them. */
export function toYaml(value: unknown): string {
  const out = new YamlWriter();
  out.value(value, 0, "start");
  return out.text;
}

/** What stands before a value on its line. */
type Place = "start" | "key" | "dash";

class YamlWriter {
  text = "";

  /** @param indent of what the value holds */
  value(value: unknown, indent: number, place: Place): void {
    if (Array.isArray(value) && value.length > 0) this.#list(value, place === "key" ? indent - 2 : indent, place);
    else if (isFilled(value)) this.#map(value, indent, place);
    else this.#line(`${place === "start" ? "" : " "}${this.#leaf(value, indent, place)}`);
  }

  #leaf(value: unknown, indent: number, place: Place): string {
    if (Array.isArray(value)) return "[]";
    if (typeof value === "object" && value !== null) return "{}";
    if (typeof value !== "string") return typeof value === "number" ? numberText(value) : String(value ?? null);
    const column = this.text.length - (this.text.lastIndexOf("\n") + 1) + (place === "start" ? 0 : 1);
    return scalarText(value, { column, indent: place === "start" ? 0 : indent });
  }

  #line(text: string): void {
    this.text += `${text}\n`;
  }

  #list(list: readonly unknown[], indent: number, place: Place): void {
    if (place === "key") this.text += "\n";
    if (place === "dash") this.text += " ";
    list.forEach((item, i) => {
      if (i > 0 || place === "key") this.text += " ".repeat(indent);
      this.text += "-";
      this.value(item ?? null, indent + 2, "dash");
    });
  }

  #map(map: Readonly<Record<string, unknown>>, indent: number, place: Place): void {
    if (place === "key") this.text += "\n";
    if (place === "dash") this.text += " ";
    const keys = Object.keys(map).filter((key) => map[key] !== undefined);
    keys.sort(compareKeys).forEach((key, i) => {
      if (i > 0 || place === "key") this.text += " ".repeat(indent);
      this.#entry(key, map[key], indent);
    });
  }

  #entry(key: string, value: unknown, indent: number): void {
    const isSimple = Buffer.byteLength(key) <= SIMPLE_KEY_BYTES && !key.includes("\n");
    const place = { column: indent + 2, indent: indent + 2 };
    this.text += isSimple ? `${scalarText(key, undefined)}:` : `? ${scalarText(key, place)}\n${" ".repeat(indent)}:`;
    this.value(value, indent + 2, isSimple ? "key" : "dash");
  }
}

function isFilled(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).some((each) => each !== undefined);
}

/** As Go writes a float: large and small ones with an exponent of at least two digits. */
function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 6) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

const LETTER = /\p{L}/u;
const DIGIT = /\p{Nd}/u;

/**
 * Numbers within keys count as numbers, and what is no letter comes before letters.
 *
 * @see go-yaml v2 sorter.go
 */
function compareKeys(first: string, second: string): number {
  const [a, b] = [Array.from(first), Array.from(second)];
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] === b[i]) continue;
    const [isLetterA, isLetterB] = [LETTER.test(a[i]!), LETTER.test(b[i]!)];
    if (isLetterA && isLetterB) return a[i]! < b[i]! ? -1 : 1;
    if (isLetterA || isLetterB) return isLetterB ? -1 : 1;
    return compareNumbers(a, b, i);
  }
  return a.length - b.length;
}

function compareNumbers(a: readonly string[], b: readonly string[], from: number): number {
  const leading = (a[from] === "0" || b[from] === "0") && isWithinNumber(a, from) ? "1" : "";
  const [numberA, numberB] = [digitsAt(a, from), digitsAt(b, from)];
  const difference = Number(leading + numberA) - Number(leading + numberB);
  return difference || numberA.length - numberB.length || (a[from]! < b[from]! ? -1 : 1);
}

/** Whether digits other than zeros stand right before. */
function isWithinNumber(text: readonly string[], at: number): boolean {
  for (let i = at - 1; i >= 0 && DIGIT.test(text[i]!); i--) if (text[i] !== "0") return true;
  return false;
}

function digitsAt(text: readonly string[], from: number): string {
  let end = from;
  while (end < text.length && DIGIT.test(text[end]!)) end++;
  return text.slice(from, end).join("");
}
