import { SelectorError } from "./label-selector.ts";

export interface FieldRequirement {
  readonly field: string;
  readonly equals: boolean;
  readonly value: string;
}

/** What an object's fields must be like: all requirements hold. Immutable. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  get empty(): boolean {
    return this.requirements.length === 0;
  }

  /** @param fields the values that the object's kind lets be selected by; an absent one counts as empty */
  matches(fields: Readonly<Record<string, string>>): boolean {
    return this.requirements.every(({ field, equals, value }) => (((Object.hasOwn(fields, field) && fields[field]) || "") === value) === equals);
  }

  /** The only value that `field` may have, when there is one. */
  exactValue(field: string): string | undefined {
    return this.requirements.find((one) => one.field === field && one.equals)?.value;
  }

  toString(): string {
    return this.requirements.map(({ field, equals, value }) => `${field}${equals ? "=" : "!="}${escapeFieldValue(value)}`).join(",");
  }
}

const ALL_FIELDS = new FieldSelector([]);

/**
 * Parses `metadata.name=a,status.phase!=Running`.
 *
 * @throws {SelectorError} with upstream's text
 * @see apimachinery pkg/fields/selector.go
 */
export function parseFieldSelector(text: string): FieldSelector {
  const terms = termsOf(text)
    .sort()
    .filter((term) => term !== "");
  return terms.length === 0 ? ALL_FIELDS : new FieldSelector(terms.map((term) => requirementOf(term, text)));
}

function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, "\\$&");
}

/** The parts between commas that no backslash stands before. */
function termsOf(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function requirementOf(term: string, selector: string): FieldRequirement {
  const match = /!=|==|=/.exec(term);
  if (match === null) throw new SelectorError(`invalid selector: '${selector}'; can't understand '${term}'`);
  const value = unescaped(term.slice(match.index + match[0].length));
  return { field: term.slice(0, match.index), equals: match[0] !== "!=", value };
}

function unescaped(text: string): string {
  let value = "";
  const chars = [...text];
  for (let i = 0; i < chars.length; i++) {
    let char = chars[i]!;
    if (char === "\\") {
      const next = chars[++i];
      if (next !== "\\" && next !== "," && next !== "=") throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ""}`);
      char = next;
    } else if (char === "," || char === "=") {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${char.codePointAt(0)}`);
    }
    value += char;
  }
  return value;
}
