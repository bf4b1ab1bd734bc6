import { isObject } from "#apimachinery/decode/own.ts";

type Step = (values: readonly unknown[]) => unknown[];

/**
 * Finds values by a path as columns of tables have it: `.spec.a`, `.items[0]`, `.list[*].x`, `.conditions[?(@.type=="Ready")].status`,
 * `..name`.
 *
 * @returns nothing is found by a path that cannot be read
 * @see client-go util/jsonpath
 */
export function jsonPath(text: string): (object: object) => unknown[] {
  const steps = parse(text);
  return (object) => (steps === undefined ? [] : steps.reduce<unknown[]>((values, step) => step(values), [object]));
}

const TOKEN = /^(?:\.\.([\w-]+)|\.?\[\?\(((?:[^()'"]|'[^']*'|"[^"]*")*)\)\]|\.?\[((?:'[^']*'|"[^"]*"|[^\]'"])*)\]|\.((?:\\.|[^.[\]\\])+)|(\.)$)/;

function parse(text: string): Step[] | undefined {
  const steps: Step[] = [];
  for (let rest = text; rest !== ""; ) {
    const match = TOKEN.exec(rest);
    if (match === null) return undefined;
    const [whole, deep, condition, bracket, name, self] = match;
    const step =
      deep !== undefined
        ? (values: readonly unknown[]) => values.flatMap((value) => descend(value, deep))
        : condition !== undefined
          ? filtering(condition)
          : bracket !== undefined
            ? bracketed(bracket.trim())
            : self !== undefined
              ? (values: readonly unknown[]) => [...values]
              : named(name!.replace(/\\(.)/g, "$1"));
    if (step === undefined) return undefined;
    steps.push(step);
    rest = rest.slice(whole.length);
  }
  return steps;
}

const named =
  (name: string): Step =>
  (values) =>
    name === "*" ? values.flatMap(membersOf) : values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));

const membersOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []);

function descend(value: unknown, name: string): unknown[] {
  const own = isObject(value) && Object.hasOwn(value, name) ? [value[name]] : [];
  return [...own, ...membersOf(value).flatMap((member) => descend(member, name))];
}

function bracketed(text: string): Step | undefined {
  if (text === "*") return (values) => values.flatMap(membersOf);
  const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(text);
  if (quoted !== null) return named(quoted[1] ?? quoted[2]!);
  if (/^-?\d+$/.test(text)) return (values) => values.flatMap((value) => (Array.isArray(value) ? value.slice(Number(text)).slice(0, 1) : []));
  const slice = /^(-?\d+)?:(-?\d+)?(?::(\d+))?$/.exec(text);
  if (slice !== null) return (values) => values.flatMap((value) => (Array.isArray(value) ? sliced(value, slice) : []));
  const union = text.split(",").map((part) => bracketed(part.trim()));
  if (union.length < 2 || union.includes(undefined)) return undefined;
  return (values) => union.flatMap((step) => step!(values));
}

function sliced(list: readonly unknown[], [, from, to, step]: RegExpExecArray): unknown[] {
  const part = list.slice(from === undefined ? 0 : Number(from), to === undefined ? undefined : Number(to));
  return step === undefined ? part : part.filter((_, i) => i % Number(step) === 0);
}

const COMPARE: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => (a as number) < (b as number),
  "<=": (a, b) => (a as number) <= (b as number),
  ">": (a, b) => (a as number) > (b as number),
  ">=": (a, b) => (a as number) >= (b as number),
};

function filtering(condition: string): Step | undefined {
  const match = /^\s*(@[^=!<>]*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/.exec(condition);
  if (match === null) return undefined;
  const [, left, operator, right] = match;
  const find = jsonPath(left!.slice(1) === "" ? "." : left!.slice(1));
  const holds = (item: unknown): boolean => {
    const [found] = isObject(item) || Array.isArray(item) ? find(item) : [item];
    if (operator === undefined) return found !== undefined;
    return found !== undefined && COMPARE[operator]!(found, literal(right!, item));
  };
  return (values) => values.flatMap(membersOf).filter(holds);
}

function literal(text: string, item: unknown): unknown {
  const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(text);
  if (quoted !== null) return quoted[1] ?? quoted[2];
  if (text.startsWith("@")) return isObject(item) ? jsonPath(text.slice(1))(item)[0] : undefined;
  if (text === "true" || text === "false") return text === "true";
  return Number(text);
}
