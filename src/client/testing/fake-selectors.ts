import type { KubeObject } from "#apimachinery/object.ts";

export type Predicate = (object: KubeObject) => boolean;

/** Reads the query form of selectors as the API server would. */
export function predicateOf(labelSelector = "", fieldSelector = ""): Predicate {
  const tests: Predicate[] = [];
  for (const term of splitTerms(labelSelector)) {
    const test = labelTerm(term);
    tests.push(({ metadata }) => test(metadata.labels ?? {}));
  }
  for (const term of splitTerms(fieldSelector)) tests.push(fieldTerm(term));
  return (object) => tests.every((test) => test(object));
}

/** Splits at commas that are not within brackets. */
function splitTerms(selector: string): readonly string[] {
  return selector.split(/,(?![^(]*\))/).filter((term) => term !== "");
}

function labelTerm(term: string): (labels: Readonly<Record<string, string>>) => boolean {
  const set = /^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$/.exec(term);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return (labels) => (labels[key] !== undefined && values.includes(labels[key])) === (operator === "in");
  }
  const equal = /^([^=!]+)(!=|==|=)(.*)$/.exec(term);
  if (equal) {
    const [, key = "", operator, value] = equal;
    return (labels) => (labels[key] === value) === (operator !== "!=");
  }
  return term.startsWith("!") ? (labels) => labels[term.slice(1)] === undefined : (labels) => labels[term] !== undefined;
}

function fieldTerm(term: string): Predicate {
  const [, path = "", operator, value = ""] = /^([^=!]+)(!=|==|=)(.*)$/.exec(term) ?? [];
  return (object) => {
    const found = path.split(".").reduce<unknown>((current, part) => (current as Record<string, unknown> | undefined)?.[part], object);
    return (String(found ?? "") === value) === (operator !== "!=");
  };
}
