import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

// The replayer came with the recordings and stays as it is.
// @ts-expect-error it has no types
import { Api, playNodes, run } from "./replay.mjs";
// @ts-expect-error it has no types
import { differences } from "../golden/replay.mjs";
import type { ControlPlane } from "./control-plane.ts";

const PROGRAMS = join(import.meta.dirname, "programs.jsonl.gz");
const JOBS = 8;

interface Program {
  readonly id: string;
  readonly expect: readonly unknown[];
}

export interface Result {
  readonly id: string;
  readonly differences: readonly { readonly step: number; readonly path: string; readonly value: unknown }[];
}

export interface Share {
  readonly agree: number;
  readonly all: number;
}

/** Runs the recorded programs of some topics against a control plane, playing its nodes. */
export async function replayPrograms({ url, ca, admin }: ControlPlane, topics: readonly string[]): Promise<Result[]> {
  const api = new Api({ server: url, ca, ...admin });
  const stopNodes = await playNodes(api);
  const waiting = loadPrograms().filter(({ id }) => topics.includes(topicOf(id)));
  const results: Result[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) results.push(await replayOne(api, next));
  };
  await Promise.all(Array.from({ length: JOBS }, work));
  stopNodes();
  api.agent.destroy();
  api.watchAgent.destroy();
  return results.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function replayOne(api: unknown, program: Program): Promise<Result> {
  try {
    const { states } = await run(api, program, `golden-${program.id.replaceAll(/[^a-z0-9]/g, "-")}`);
    const found = program.expect.flatMap((want, step) => differences(want, states[step] ?? null).map((difference: object) => ({ step, ...difference })));
    return { id: program.id, differences: found };
  } catch (error) {
    return { id: program.id, differences: [{ step: -1, path: "", value: String(error) }] };
  }
}

/** How many programs of each topic agree. */
export function sharesOf(results: readonly Result[]): Record<string, Share> {
  const shares: Record<string, Share> = {};
  for (const { id, differences: found } of results) {
    const { agree, all } = shares[topicOf(id)] ?? { agree: 0, all: 0 };
    shares[topicOf(id)] = { agree: agree + (found.length === 0 ? 1 : 0), all: all + 1 };
  }
  return shares;
}

const topicOf = (id: string) => id.slice(0, id.indexOf("/"));

function loadPrograms(): Program[] {
  const lines = gunzipSync(readFileSync(PROGRAMS)).toString().split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Program);
}
