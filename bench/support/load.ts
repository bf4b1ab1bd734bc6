import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { textOption } from "./benchmark.ts";
import { root } from "./cluster.ts";
import { command } from "./command.ts";

export interface LoadOptions {
  readonly server: string;
  readonly cert: string;
  readonly key: string;
  readonly phases: readonly string[];
  readonly seconds: number;
  readonly namespace: string;
  /** Creates a second in the watch phase. */
  readonly rate?: number;
}

export interface Rate {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
}

export interface LoadResult {
  readonly create?: Rate;
  readonly get?: Rate;
  readonly lists: readonly { readonly items: number; readonly megabytes: number; readonly ms: number }[];
  readonly watch?: Rate & { readonly delivered: number; readonly offered: number };
}

export interface LoadClient {
  readonly name: string;
  run(options: LoadOptions): Promise<LoadResult>;
}

/**
 * The program that asks the server: the Go one of `--load-client DIR` (by default `../shared/load`) where that folder and Go
 * exist, as it takes the least of the machine; else ours.
 *
 * @param folder where a built program may lie
 */
export async function loadClient(folder: string): Promise<LoadClient> {
  const given = textOption("load-client");
  const source = given === undefined ? resolve(root, "../shared/load") : isAbsolute(given) ? given : resolve(given);
  if (!existsSync(join(source, "go.mod"))) {
    if (given !== undefined) throw new Error(`--load-client: ${source} has no go.mod`);
    return nodeClient;
  }
  const program = join(folder, "load");
  try {
    await command("go", ["build", "-o", program, "."], { cwd: source });
  } catch (error) {
    if (given !== undefined) throw error;
    return nodeClient;
  }
  return { name: "Go client", run: async (options) => parseLoad(await command(program, flagsOf(options))) };
}

const nodeClient: LoadClient = {
  name: "Node client",
  run: async (options) => parseLoad(await command(process.execPath, [join(import.meta.dirname, "load-program.ts"), ...flagsOf(options)])),
};

function flagsOf({ server, cert, key, phases, seconds, namespace, rate }: LoadOptions): string[] {
  const flags = ["-server", server, "-cert", cert, "-key", key, "-phases", phases.join(","), "-duration", `${seconds}s`, "-ns", namespace];
  return rate === undefined ? flags : [...flags, "-rate", String(rate)];
}

/** Reads what the load program prints, a line for each phase. */
export function parseLoad(text: string): LoadResult {
  const rate = (name: string): Rate | undefined => {
    const match = new RegExp(`^${name} +([\\d.]+) /s +p50 ([\\d.]+) ms +p99 ([\\d.]+) ms +failed (\\d+)`, "m").exec(text);
    return match === null ? undefined : { perSecond: Number(match[1]), p50: Number(match[2]), p99: Number(match[3]), failed: Number(match[4]) };
  };
  const watch = /^watch +([\d.]+) deliveries\/s to \d+ watchers, (\d+) of (\d+), latency p50 ([\d.]+) ms p99 ([\d.]+) ms/m.exec(text);
  const lists = [...text.matchAll(/^list +(\d+) pods, ([\d.]+) MB, (\d+) ms \(200\)/gm)];
  const [create, get] = [rate("create"), rate("get")];
  return {
    ...(create !== undefined && { create }),
    ...(get !== undefined && { get }),
    lists: lists.map(([, items, megabytes, ms]) => ({ items: Number(items), megabytes: Number(megabytes), ms: Number(ms) })),
    ...(watch !== null && {
      watch: { perSecond: Number(watch[1]), delivered: Number(watch[2]), offered: Number(watch[3]), p50: Number(watch[4]), p99: Number(watch[5]), failed: 0 },
    }),
  };
}
