/** What a row must reach, and what it aims at; units are those of the row. The design's "Speed" table. */
export interface Target {
  readonly must: number;
  readonly aim: number;
}

export const TARGETS = {
  warmApi: { must: 900, aim: 400 },
  warmNode: { must: 1600, aim: 800 },
  warmApp: { must: 2500, aim: 1200 },
  idleMemory: { must: 130, aim: 85 },
  idleCpu: { must: 0.5, aim: 0.1 },
  podStart: { must: 200, aim: 95 },
  podTimes: { must: 1.4, aim: 1.1 },
  replicas: { must: 3900, aim: 2000 },
  creates: { must: 6000, aim: 12_000 },
  gets: { must: 18_000, aim: 25_000 },
  list: { must: 80, aim: 50 },
  deliveries: { must: 150_000, aim: 250_000 },
  loadedMemory: { must: 300, aim: 200 },
  recovery: { must: 3000, aim: 1000 },
  storeFile: { must: 3, aim: 1.5 },
  bindings: { must: 2500, aim: 5000 },
} as const satisfies Record<string, Target>;
