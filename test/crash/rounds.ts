import { setTimeout as pause } from "node:timers/promises";
import type { Resource } from "#api/resources.ts";
import type { KubeObject, KubeList } from "#apimachinery/object.ts";
import { CONFIG_MAPS, SECRETS } from "#api/builtin.ts";
import { type Rng, seededRng } from "#lib/rng.ts";
import type { ServerProcess } from "./server-process.ts";
import { Watcher } from "./watcher.ts";
import { type Counted, decoded, NAMESPACE, Writer } from "./writer.ts";

export interface CrashOptions {
  readonly server: ServerProcess;
  readonly rounds: number;
  readonly seed: number;
  /** What else breaks in each round, shortly before the server is killed. */
  readonly disturb?: (rng: Rng) => Promise<void>;
  readonly onRound?: (round: number, result: CrashResult) => void;
}

export interface CrashResult {
  acknowledged: number;
  events: number;
  resumed: number;
  /** From the start of the process to readiness, after each crash. */
  readonly recoveryMs: number[];
  readonly faults: string[];
}

const WRITERS = 8;
const WRITING_MS = { least: 20, more: 500 };
/** Crashes before the server is ready, as a share of all. */
const EARLY_SHARE = 0.15;
const CAUGHT_UP_MS = 20_000;
const KINDS = [CONFIG_MAPS, SECRETS] as unknown as readonly Resource<KubeObject>[];

/**
 * Kills a server with SIGKILL while clients write and watch, starts it again, and holds what it has then against what it
 * had acknowledged: every write with its content, deletes too, revisions that never fall, watches without a gap.
 */
export async function crashRounds({ server, rounds, seed, disturb, onRound }: CrashOptions): Promise<CrashResult> {
  const rng = seededRng(seed);
  const result: CrashResult = { acknowledged: 0, events: 0, resumed: 0, recoveryMs: [], faults: [] };
  server.start();
  await server.ready();
  const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(i, rng));
  const watchers = [...KINDS.map((kind) => new Watcher(kind)), new Watcher(KINDS[0]!, "writer=2"), new Watcher(KINDS[1]!, "writer=3")];
  const { revision } = await list(server);
  for (const watcher of watchers) {
    watcher.revision = revision;
    watcher.follow(server.transport);
  }
  for (let round = 1; round <= rounds && result.faults.length === 0; round++) {
    const writing = Promise.all(writers.map((writer) => writer.run(server.transport)));
    await Promise.race([pause(WRITING_MS.least + rng() * WRITING_MS.more), writing]); // a refusal ends the run at once
    await Promise.race([disturb?.(rng), writing]);
    await server.kill();
    await writing;
    result.recoveryMs.push(await restart(server, rng));
    result.faults.push(...(await check(server, writers, watchers)).map((fault) => `round ${round}: ${fault}`));
    Object.assign(result, {
      acknowledged: writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      events: watchers.reduce((sum, { events }) => sum + events, 0),
      resumed: watchers.reduce((sum, { resumed }) => sum + resumed, 0),
    });
    onRound?.(round, result);
  }
  return result;
}

/** Sometimes the next crash comes while the server is still on its way. */
async function restart(server: ServerProcess, rng: Rng): Promise<number> {
  while (rng() < EARLY_SHARE) {
    server.start();
    await pause(rng() * 700);
    await server.kill();
  }
  server.start();
  return server.ready();
}

async function check(server: ServerProcess, writers: readonly Writer[], watchers: readonly Watcher[]): Promise<string[]> {
  const { objects, revision } = await list(server);
  const seen = Math.max(...writers.map(({ highestRevision }) => highestRevision), ...watchers.map((watcher) => watcher.revision));
  const faults = revision < seen ? [`the revision fell from ${seen} to ${revision}`] : [];
  writers.forEach((writer) => faults.push(...writer.check(objects[writer.id % 2]!)));
  for (const watcher of watchers) watcher.follow(server.transport);
  const differences = () => watchers.map((watcher, i) => watcher.difference(objects[i % 2]!));
  for (const end = performance.now() + CAUGHT_UP_MS; differences().some((each) => each !== undefined) && performance.now() < end; ) await pause(5);
  differences().forEach((each, i) => each !== undefined && faults.push(`watch ${i} from events alone ${each}`));
  watchers.forEach((watcher, i) => faults.push(...watcher.faults.map((fault) => `watch ${i}: ${fault}`)));
  return faults;
}

interface Listed {
  /** By name, for each of the kinds. */
  readonly objects: readonly ReadonlyMap<string, Counted>[];
  readonly revision: number;
}

async function list({ transport }: ServerProcess): Promise<Listed> {
  const lists = await Promise.all(KINDS.map((resource) => transport.perform({ verb: "list", resource, namespace: NAMESPACE }) as Promise<KubeList>));
  const objects = lists.map(
    ({ items }) => new Map(items.filter(({ metadata }) => metadata.labels?.["writer"]).map((item) => [item.metadata.name ?? "", decoded(item)])),
  );
  return { objects, revision: Math.min(...lists.map(({ metadata }) => Number(metadata.resourceVersion))) };
}
