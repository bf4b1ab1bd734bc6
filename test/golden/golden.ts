import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

// The replayer came with the recordings and stays as it is.
// @ts-expect-error it has no types
import { connect, differences, expand, prepare, run } from "./replay.mjs";

/** Scenarios that show what the recorded build has of its own, by id, each with the reason. */
const leftOut = JSON.parse(readFileSync(join(import.meta.dirname, "left-out.json"), "utf8")) as Readonly<Record<string, string>>;
const DATA = join(import.meta.dirname, "data");

export interface Share {
  agree: number;
  all: number;
}

export interface Result {
  readonly id: string;
  readonly topic: string;
  readonly differences: readonly { readonly step: number; readonly op: string; readonly path: string; readonly want: unknown; readonly got: unknown }[];
}

interface Scenario {
  readonly id: string;
  readonly topic: string;
  readonly index: number;
  readonly writes?: boolean;
  readonly alone?: boolean;
  readonly expect: readonly Record<string, unknown>[];
  readonly bases: unknown;
  readonly baseAnswers: unknown;
}

export interface ReplayOptions {
  readonly url: string;
  readonly ca: string;
  readonly admin: { readonly cert: string; readonly key: string };
  /** Every n-th scenario of a topic; 1 for all. */
  readonly every?: number;
  /** A prefix of `topic` or of the scenario's id. */
  readonly only?: string;
  /** Which of those, besides. */
  readonly picks?: (scenario: { readonly id: string; readonly topic: string; readonly index: number }) => boolean;
  readonly jobs?: number;
}

/** Replays scenarios and says where the answers differ from what upstream gave. */
export async function replay({ url, ca, admin, every = 1, only = "", picks = () => true, jobs = 8 }: ReplayOptions): Promise<Result[]> {
  const send = connect({ server: url, ca, ...admin });
  loaded ??= loadScenarios().filter(({ id }) => !Object.hasOwn(leftOut, id));
  const scenarios = loaded.filter((each) => each.index % every === 0 && (each.id.startsWith(only) || each.topic.startsWith(only)) && picks(each));
  const namespaces = new Map<string, Promise<unknown>>();
  const namespaceOf = async ({ writes, topic, index }: Scenario): Promise<string> => {
    const flat = topic.replaceAll(/[^a-z0-9]/g, "-");
    const name = writes === false ? `golden-${flat}` : `golden-${flat}-${index}`;
    if (!namespaces.has(name)) namespaces.set(name, prepare(send, name));
    await namespaces.get(name);
    return name;
  };
  const one = async (scenario: Scenario): Promise<Result> => {
    const { id, topic } = scenario;
    try {
      const answers = JSON.parse(JSON.stringify(await run(scenario, { send, bases: scenario.bases, ns: await namespaceOf(scenario) })));
      return {
        id,
        topic,
        differences: expand(scenario.expect, scenario.baseAnswers).flatMap((want: unknown, step: number) => compared(want, answers[step], step)),
      };
    } catch (error) {
      return { id, topic, differences: [{ step: -1, op: "error", path: "", want: undefined, got: String(error) }] };
    }
  };
  const results: Result[] = [];
  // Discovery shows what other scenarios leave behind, so it comes first; some must not run beside others.
  for (const batch of [scenarios.filter(isDiscovery), scenarios.filter((each) => !isDiscovery(each) && each.alone !== true)]) {
    const queue = [...batch];
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) results.push(await one(next));
    };
    await Promise.all(Array.from({ length: jobs }, worker));
  }
  for (const scenario of scenarios.filter((each) => each.alone === true && !isDiscovery(each))) results.push(await one(scenario));
  return results;
}

export function sharesOf(results: readonly Result[]): Map<string, Share> {
  return sharesBy(results, ({ topic }) => topic);
}

/** By kind (`apps/v1.Deployment`), of those that are named, in scenarios about fields and updates. */
export function sharesOfKinds(results: readonly Result[], kinds: readonly string[]): Map<string, Share> {
  return sharesBy(results, ({ id, topic }) => {
    const kind = topic.startsWith("fields/") ? kindOf(id, kinds) : undefined;
    return kind === undefined ? undefined : `${topic} ${kind}`;
  });
}

/** @param keyOf undefined: in no share */
function sharesBy(results: readonly Result[], keyOf: (result: Result) => string | undefined): Map<string, Share> {
  const shares = new Map<string, Share>();
  for (const result of results) {
    const key = keyOf(result);
    if (key === undefined) continue;
    const share = shares.get(key) ?? { agree: 0, all: 0 };
    share.all++;
    if (result.differences.length === 0) share.agree++;
    shares.set(key, share);
  }
  return shares;
}

/** @param id `fields/v1.Pod-spec/0001`: a kind, or a part of one */
export function kindOf(id: string, kinds: readonly string[]): string | undefined {
  const about = id.slice(id.indexOf("/") + 1);
  return kinds.find((kind) => about === kind || about.startsWith(`${kind}/`) || about.startsWith(`${kind}-`));
}

let loaded: readonly Scenario[] | undefined;

const isDiscovery = ({ topic }: Scenario) => topic.endsWith("discovery");

function compared(want: unknown, got: unknown, step: number): Result["differences"] {
  const found = differences(settled(want), got) as { op: string; path: string; value: unknown }[];
  return found.map(({ op, path, value }) => ({ step, op, path, want: op === "add" ? undefined : at(want, path), got: op === "remove" ? undefined : value }));
}

/** The replayer orders what has no order in answers; so must be what was recorded. */
function settled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(settled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === "managedFields" && Array.isArray(inner) ? inManagerOrder(inner.map(settled)) : settled(inner)]),
  );
}

function inManagerOrder(entries: unknown[]): unknown[] {
  const name = (entry: unknown) => {
    const { operation, manager, apiVersion, subresource } = entry as Record<string, string | undefined>;
    return `${operation} ${manager} ${apiVersion} ${subresource ?? ""}`;
  };
  return entries.toSorted((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0));
}

function at(value: unknown, pointer: string): unknown {
  let here = value;
  for (const key of pointer.split("/").slice(1)) here = (here as Record<string, unknown> | undefined)?.[key.replaceAll("~1", "/").replaceAll("~0", "~")];
  return here;
}

function loadScenarios(): Scenario[] {
  return readdirSync(DATA)
    .toSorted()
    .flatMap((set) => {
      const folder = join(DATA, set);
      const bases = JSON.parse(text(join(folder, "bases.json.gz")));
      const baseAnswers = JSON.parse(text(join(folder, "base-answers.json.gz")));
      const files = readdirSync(folder)
        .filter((file) => file.endsWith(".jsonl.gz"))
        .toSorted();
      return files.flatMap((file) => {
        const topic = `${set}/${file.slice(0, -".jsonl.gz".length)}`;
        const lines = text(join(folder, file)).split("\n").filter(Boolean);
        return lines.map((line, index): Scenario => ({ topic, index, bases, baseAnswers, ...JSON.parse(line) }));
      });
    });
}

const text = (path: string) => gunzipSync(readFileSync(path)).toString("utf8");
