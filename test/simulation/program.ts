import type { Rng } from "#lib/rng.ts";

import { between, forkedRng, pick } from "./sim-process.ts";

/** What a user, an operator or misfortune does. Things are named by number; the number is taken modulo what there is. */
export type Act =
  | { readonly do: "createDeployment"; readonly which: number; readonly shape: Shape }
  | { readonly do: "scale"; readonly which: number; readonly replicas: number }
  | { readonly do: "image"; readonly which: number; readonly image: string }
  | { readonly do: "strategy"; readonly which: number; readonly shape: Shape }
  | { readonly do: "pause" | "resume" | "rollback"; readonly which: number }
  | { readonly do: "deleteDeployment"; readonly which: number; readonly policy: "Background" | "Foreground" | "Orphan" }
  | {
      readonly do: "createService" | "deleteService" | "retargetService" | "deleteSet" | "deletePod" | "evictPod" | "relabelPod" | "barePod";
      readonly which: number;
    }
  | { readonly do: "createNamespace" | "deleteNamespace" }
  | { readonly do: "cordon" | "uncordon" | "drain" | "deleteNode" | "labelNode" | "addNode"; readonly which: number }
  | { readonly do: "crashServer"; readonly phase: "before" | "after"; readonly afterGroups: number; readonly downMs: number }
  | { readonly do: "crashComponents" | "cutWatches" }
  | { readonly do: "turnClock"; readonly byMs: number }
  | { readonly do: "diskFull" | "slowDisk" | "slowWatches"; readonly forMs: number; readonly much: number }
  | { readonly do: "loseRequests" | "loseAnswers" | "refuse" | "meddle"; readonly forMs: number; readonly much: number }
  | { readonly do: "partition" | "powerOff"; readonly which: number; readonly forMs: number }
  | { readonly do: "restartKubelet"; readonly which: number }
  | { readonly do: "crashPod" | "unready"; readonly which: number; readonly forMs: number }
  | { readonly do: "pressure"; readonly which: number };

export interface Shape {
  readonly replicas: number;
  readonly maxSurge: number | string;
  readonly maxUnavailable: number | string;
  readonly recreate: boolean;
  readonly minReadySeconds: number;
  readonly milliCpu: number;
  readonly image: string;
}

export type Step = Act & { readonly atMs: number };

/** All that a run depends on. */
export interface Program {
  readonly seed: number;
  /** Whether controllers and scheduler share the server's process, as in the product, or reach it over a network. */
  readonly isRemote: boolean;
  readonly nodes: number;
  readonly steps: readonly Step[];
}

export const IMAGES = ["app:1", "app:2", "app:3", "app:broken"];

/** The program that a seed stands for. */
export function programOf(seed: number): Program {
  const rng = forkedRng(seed, "program");
  const steps: Step[] = [];
  let atMs = 12_000;
  const add = (act: Act) => steps.push({ ...act, atMs: Math.round(atMs) });
  for (let which = 0; which < 2; which++) add({ do: "createDeployment", which, shape: anyShape(rng) });
  add({ do: "createService", which: 0 });
  const count = 6 + Math.floor(rng() * 22);
  for (let i = 0; i < count; i++) {
    atMs += pause(rng);
    add(anyAct(rng));
  }
  return { seed, isRemote: rng() < 0.45, nodes: 3 + Math.floor(rng() * 2), steps };
}

/** Steps come close together, or with time to settle in between. */
function pause(rng: Rng): number {
  const kind = rng();
  if (kind < 0.35) return between(rng, 0, 20);
  if (kind < 0.75) return between(rng, 20, 4_000);
  return between(rng, 4_000, kind < 0.96 ? 30_000 : 120_000);
}

function anyShape(rng: Rng): Shape {
  return {
    replicas: Math.floor(rng() * 6),
    maxSurge: pick(rng, [0, 1, 1, 2, "25%", "100%"])!,
    maxUnavailable: pick(rng, [0, 1, 1, 2, "25%", "50%"])!,
    recreate: rng() < 0.12,
    minReadySeconds: rng() < 0.2 ? 5 : 0,
    milliCpu: pick(rng, [50, 100, 200])!,
    image: pick(rng, ["app:1", "app:2"])!,
  };
}

const number = (rng: Rng) => Math.floor(rng() * 1_000);
const share = (rng: Rng) => pick(rng, [0.05, 0.15, 0.3])!;

type Maker = (rng: Rng) => Act;

/** How often what is done, and how. */
const MAKERS: readonly (readonly [number, Maker])[] = [
  [3, (rng) => ({ do: "createDeployment", which: number(rng), shape: anyShape(rng) })],
  [8, (rng) => ({ do: "scale", which: number(rng), replicas: Math.floor(rng() * 7) })],
  [9, (rng) => ({ do: "image", which: number(rng), image: pick(rng, IMAGES)! })],
  [2, (rng) => ({ do: "strategy", which: number(rng), shape: anyShape(rng) })],
  [5, (rng) => ({ do: pick(rng, ["pause", "resume", "rollback"] as const)!, which: number(rng) })],
  [2, (rng) => ({ do: "deleteDeployment", which: number(rng), policy: pick(rng, ["Background", "Foreground", "Orphan"] as const)! })],
  [3, (rng) => ({ do: pick(rng, ["createService", "deleteService", "retargetService", "deleteSet"] as const)!, which: number(rng) })],
  [6, (rng) => ({ do: pick(rng, ["deletePod", "deletePod", "evictPod", "relabelPod", "barePod"] as const)!, which: number(rng) })],
  [2, (rng) => ({ do: pick(rng, ["createNamespace", "deleteNamespace"] as const)! })],
  [5, (rng) => ({ do: pick(rng, ["cordon", "uncordon", "drain", "deleteNode", "labelNode", "addNode"] as const)!, which: number(rng) })],
  [
    7,
    (rng) => ({
      do: "crashServer",
      phase: rng() < 0.5 ? "before" : "after",
      afterGroups: Math.floor(rng() * 12),
      downMs: Math.round(between(rng, 100, rng() < 0.2 ? 90_000 : 4_000)),
    }),
  ],
  [5, (rng) => ({ do: pick(rng, ["crashComponents", "cutWatches", "cutWatches"] as const)! })],
  [
    8,
    (rng) => ({ do: pick(rng, ["loseRequests", "loseAnswers", "refuse", "meddle"] as const)!, forMs: Math.round(between(rng, 500, 20_000)), much: share(rng) }),
  ],
  [
    4,
    (rng) => ({
      do: pick(rng, ["slowWatches", "slowDisk"] as const)!,
      forMs: Math.round(between(rng, 1_000, 20_000)),
      much: Math.round(between(rng, 30, 3_000)),
    }),
  ],
  [1, (rng) => ({ do: "turnClock", byMs: Math.round(between(rng, -20_000, 20_000)) })],
  [1, (rng) => ({ do: "diskFull", forMs: Math.round(between(rng, 100, 8_000)), much: 1 })],
  [
    3,
    (rng) => ({
      do: pick(rng, ["partition", "powerOff"] as const)!,
      which: number(rng),
      forMs: Math.round(rng() < 0.3 ? between(rng, 100_000, 500_000) : between(rng, 1_000, 80_000)),
    }),
  ],
  [2, (rng) => ({ do: "restartKubelet", which: number(rng) })],
  [6, (rng) => ({ do: pick(rng, ["crashPod", "unready"] as const)!, which: number(rng), forMs: Math.round(between(rng, 100, 15_000)) })],
  [1, (rng) => ({ do: "pressure", which: number(rng) })],
];
const TOTAL = MAKERS.reduce((sum, [weight]) => sum + weight, 0);

function anyAct(rng: Rng): Act {
  let left = rng() * TOTAL;
  for (const [weight, make] of MAKERS) if ((left -= weight) < 0) return make(rng);
  return MAKERS[0]![1](rng);
}
