import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { DeepPartial } from "#apimachinery/object.ts";
import type { LabelSelector, LabelSelectorRequirement } from "#apimachinery/meta-v1/types.ts";

import { isLabelValue, isQualifiedName } from "./validation/names.ts";

export type Labels = Readonly<Record<string, string>> | null | undefined;

export type LabelOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** A selector that cannot be; the message is upstream's. */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

/** What labels must be like: all requirements hold. Immutable. */
export class Selector {
  readonly requirements: readonly LabelRequirement[];
  /** Matches no labels at all, as an absent selector does. */
  readonly matchesNothing: boolean;

  constructor(requirements: readonly LabelRequirement[], matchesNothing = false) {
    this.requirements = requirements;
    this.matchesNothing = matchesNothing;
  }

  get empty(): boolean {
    return this.requirements.length === 0 && !this.matchesNothing;
  }

  matches(labels: Labels): boolean {
    return !this.matchesNothing && this.requirements.every((requirement) => meets(requirement, labels));
  }

  /** The only value that `key` may have, when there is one. */
  exactValue(key: string): string | undefined {
    const requirement = this.requirements.find((one) => one.key === key);
    if (requirement === undefined || requirement.values.length !== 1) return undefined;
    return ["=", "==", "in"].includes(requirement.operator) ? requirement.values[0] : undefined;
  }

  /** The text form, by which a query may ask for the same. */
  toString(): string {
    return this.requirements.map(formatRequirement).join(",");
  }
}

export const EVERYTHING = new Selector([]);
export const NOTHING = new Selector([], true);

/**
 * Parses the text form: `app=web,tier in (a,b),!gone,n>3`.
 *
 * @throws {SelectorError} with upstream's text
 */
export function parseLabelSelector(text: string): Selector {
  return new Selector(new Parser(text).parse().sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)));
}

/**
 * A selector from the form that objects carry. An absent one takes nothing, an empty one everything.
 *
 * @throws {SelectorError} with upstream's text
 * @see apimachinery pkg/apis/meta/v1/helpers.go LabelSelectorAsSelector
 */
export function selectorOf(selector: DeepPartial<LabelSelector> | null | undefined): Selector {
  if (!selector) return NOTHING;
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => requirement(key, "=", [value ?? ""]));
  const requirements = [...equal, ...(selector.matchExpressions ?? []).map(requirementOf)];
  return requirements.length === 0 ? EVERYTHING : new Selector(requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)));
}

/** Whether labels are as an object's selector asks. What was made of a selector is kept as long as its object lives. */
export function selects(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  let made = madeOf.get(selector);
  if (made === undefined) madeOf.set(selector, (made = selectorOf(selector)));
  return made.matches(labels);
}

const madeOf = new WeakMap<LabelSelector, Selector>();

/** Whether `labels` has every pair of `wanted`. */
export function selectsAll(wanted: Readonly<Record<string, string>>, labels: Labels): boolean {
  for (const key in wanted) if (labels?.[key] !== wanted[key]) return false;
  return true;
}

export function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** Labels as tools print them: `a=b,c=d`, or `<none>`. */
export function formatLabels(labels: Labels): string {
  const pairs = Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels![key]}`);
  return pairs.length === 0 ? "<none>" : pairs.join(",");
}

/** The object form printed as tools print it. */
export function formatLabelSelector(selector: DeepPartial<LabelSelector> | null | undefined): string {
  try {
    return selectorOf(selector).toString() || "<none>";
  } catch {
    return "<error>";
  }
}

const OPERATORS: Readonly<Record<string, LabelOperator>> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" };

function requirementOf({ key = "", operator = "", values }: DeepPartial<LabelSelectorRequirement>): LabelRequirement {
  const known = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  if (known === undefined) throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`);
  return requirement(key, known, values ?? []);
}

/** Whether `labels` has what one requirement asks; a limit that is no integer is never met. */
export function meets({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labels && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=":
    case "==":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    default:
      return [value, values[0]].every((text) => INTEGER.test(text ?? "")) && compares(BigInt(value!), operator, BigInt(values[0]!));
  }
}

const INTEGER = /^[+-]?[0-9]+$/;
const compares = (a: bigint, operator: "gt" | "lt", b: bigint) => (operator === "gt" ? a > b : a < b);

const SYMBOLS: Readonly<Record<LabelOperator, string>> = {
  "=": "=",
  "==": "==",
  "!=": "!=",
  in: " in ",
  notin: " notin ",
  gt: ">",
  lt: "<",
  exists: "",
  "!": "",
};

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  if (operator === "!") return `!${key}`;
  if (operator === "exists") return key;
  const list = values.toSorted().join(",");
  return `${key}${SYMBOLS[operator]}${operator === "in" || operator === "notin" ? `(${list})` : list}`;
}

/** A requirement whose parts are checked, all faults told at once. */
function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const faults = [...keyFaults(key, new FieldPath("key")), ...valueFaults(operator, values), ...labelValueFaults(key, values)];
  if (faults.length > 0) throw new SelectorError(faults.length === 1 ? faults[0]! : `[${faults.join(", ")}]`);
  return { key, operator, values };
}

const faultText = (path: FieldPath, value: unknown, why: string) => {
  const { field, text } = fieldError.invalid(path, value, why);
  return `${field}: ${text}`;
};

function keyFaults(key: string, path: FieldPath): string[] {
  const messages = isQualifiedName(key);
  return messages.length === 0 ? [] : [faultText(path, key, messages.join("; "))];
}

const VALUES = new FieldPath("values");

function valueFaults(operator: LabelOperator, values: readonly string[]): string[] {
  const fault = (why: string) => [faultText(VALUES, values, why)];
  switch (operator) {
    case "in":
    case "notin":
      return values.length > 0 ? [] : fault("for 'in', 'notin' operators, values set can't be empty");
    case "exists":
    case "!":
      return values.length === 0 ? [] : fault("values set must be empty for exists and does not exist");
    case "gt":
    case "lt":
      if (values.length !== 1) return fault("for 'Gt', 'Lt' operators, exactly one value is required");
      return INTEGER.test(values[0]!) ? [] : [faultText(VALUES.index(0), values[0], "for 'Gt', 'Lt' operators, the value must be an integer")];
    default:
      return values.length === 1 ? [] : fault("exact-match compatibility requires one single value");
  }
}

function labelValueFaults(key: string, values: readonly string[]): string[] {
  return values.flatMap((value, i) => {
    const messages = isLabelValue(value);
    return messages.length === 0 ? [] : [faultText(VALUES.index(i).key(key), value, messages.join("; "))];
  });
}

/** `word` may stand for a name; of words, `in` and `notin` are operators where one is expected. */
interface Token {
  readonly kind: "word" | "symbol" | "bad" | "end";
  readonly text: string;
}

const SYMBOL_TEXTS = new Set([")", ",", "!", "==", "=", ">", "<", "!=", "("]);
const TEXT_OPERATORS: Readonly<Record<string, LabelOperator>> = { in: "in", notin: "notin", "=": "=", "==": "==", ">": "gt", "<": "lt", "!=": "!=" };

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /[ \t\r\n]*(?:([=!(),><]+)|([^=!(),>< \t\r\n]+))/y;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, symbols, word] = match;
    if (word !== undefined) tokens.push({ kind: "word", text: word });
    else tokens.push(...symbolsOf(symbols!));
  }
  return [...tokens, { kind: "end", text: "" }];
}

/** The longest symbols a run of symbol characters starts with, one after another. */
function symbolsOf(run: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < run.length; ) {
    const length = SYMBOL_TEXTS.has(run.slice(at, at + 2)) && at + 2 <= run.length ? 2 : 1;
    tokens.push({ kind: "symbol", text: run.slice(at, at + length) });
    at += length;
  }
  return tokens;
}

/** @see apimachinery pkg/labels/selector.go for the grammar and the texts */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      if (this.#next.kind === "end") return requirements;
      if (!this.#startsRequirement()) throw new SelectorError(`found '${this.#next.text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#checkedRequirement());
      const token = this.#take();
      if (token.kind === "end") return requirements;
      if (token.text !== ",") throw new SelectorError(`found '${token.text}', expected: ',' or 'end of string'`);
      if (!this.#startsRequirement()) throw new SelectorError(`found '${this.#next.text}', expected: identifier after ','`);
    }
  }

  get #next(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
  }

  #take(): Token {
    const token = this.#next;
    this.#at++;
    return token;
  }

  #startsRequirement(): boolean {
    return this.#next.kind === "word" || this.#next.text === "!";
  }

  #checkedRequirement(): LabelRequirement {
    try {
      return this.#requirement();
    } catch (error) {
      if (error instanceof SelectorError) throw new SelectorError(`unable to parse requirement: ${error.message}`, { cause: error });
      throw error;
    }
  }

  #requirement(): LabelRequirement {
    const negated = this.#next.text === "!";
    if (negated) this.#at++;
    const key = this.#take();
    if (key.kind !== "word") throw new SelectorError(`found '${key.text}', expected: identifier`);
    const [fault] = keyFaults(key.text, new FieldPath());
    if (fault !== undefined) throw new SelectorError(fault);
    if (negated) return requirement(key.text, "!", []);
    if (this.#next.kind === "end" || this.#next.text === ",") return requirement(key.text, "exists", []);
    const operator = this.#operator();
    const values = operator === "in" || operator === "notin" ? this.#list() : [this.#value()];
    return requirement(key.text, operator, [...new Set(values)].sort());
  }

  #operator(): LabelOperator {
    const { text } = this.#take();
    const operator = Object.hasOwn(TEXT_OPERATORS, text) ? TEXT_OPERATORS[text] : undefined;
    if (operator === undefined) throw new SelectorError(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
    return operator;
  }

  #value(): string {
    if (this.#next.kind === "end" || this.#next.text === ",") return "";
    const token = this.#take();
    if (token.kind !== "word") throw new SelectorError(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  #list(): string[] {
    const open = this.#take();
    if (open.text !== "(") throw new SelectorError(`found '${open.text}' expected: '('`);
    if (this.#next.text === ")") {
      this.#at++;
      return [""];
    }
    if (this.#next.kind !== "word" && this.#next.text !== ",") {
      throw new SelectorError(`found '${this.#next.text}', expected: ',', ')' or identifier`);
    }
    return this.#items();
  }

  /** Items up to the parenthesis; between two commas stands an empty one. */
  #items(): string[] {
    const items: string[] = [];
    for (;;) {
      const token = this.#take();
      if (token.kind === "word") {
        items.push(token.text);
        if (this.#next.text === ")") return this.#closed(items);
        if (this.#next.text !== ",") throw new SelectorError(`found '${this.#next.text}', expected: ',' or ')'`);
      } else if (token.text === ",") {
        if (items.length === 0 || this.#next.text === ",") items.push("");
        if (this.#next.text === ")") return this.#closed([...items, ""]);
      } else throw new SelectorError(`found '${token.text}', expected: ',', or identifier`);
    }
  }

  #closed(items: string[]): string[] {
    this.#at++;
    return items;
  }
}
