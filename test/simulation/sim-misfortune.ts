import type { Rng } from "#lib/rng.ts";
import type { SimClock } from "#lib/sim-clock.ts";

import type { Step } from "./program.ts";
import type { SimDisk } from "./sim-disk.ts";
import { noFaults, type SimNetwork } from "./sim-network.ts";
import type { SimNode } from "./sim-node.ts";
import { pick } from "./sim-process.ts";
import type { SimServer } from "./sim-server.ts";

const USUAL_SLOWNESS_MS = 2;
const USUAL_DOWN_MS = 1_500;

export interface Misfortunes {
  readonly clock: SimClock;
  readonly rng: Rng;
  readonly disk: SimDisk;
  readonly server: SimServer;
  readonly network: SimNetwork;
  readonly nodes: readonly SimNode[];
  readonly addNode: () => void;
  readonly crashComponents: () => void;
}

/** Does what nobody asks for. */
export function befall(step: Step, of: Misfortunes): void {
  const { disk, server, network } = of;
  const { faults } = network;
  const calm = noFaults();
  const forAWhile = (forMs: number, begin: () => void, end: () => void) => {
    begin();
    of.clock.after(forMs, end);
  };
  switch (step.do) {
    case "crashServer":
      server.downMs = step.downMs;
      return disk.planCrash({ phase: step.phase, afterGroups: step.afterGroups });
    case "crashComponents":
      return of.crashComponents();
    case "cutWatches":
      return network.cutWatches();
    case "turnClock":
      return void (server.skew.ms += step.byMs);
    case "diskFull":
      return forAWhile(
        step.forMs,
        () => (disk.isFull = true),
        () => (disk.isFull = false),
      );
    case "slowDisk":
      return forAWhile(
        step.forMs,
        () => (disk.slownessMs = step.much / 10),
        () => (disk.slownessMs = USUAL_SLOWNESS_MS),
      );
    case "slowWatches":
      return forAWhile(
        step.forMs,
        () => (faults.watchLagMs = step.much),
        () => (faults.watchLagMs = calm.watchLagMs),
      );
    case "loseRequests":
    case "loseAnswers":
    case "refuse":
    case "meddle": {
      const { do: fault } = step;
      return forAWhile(
        step.forMs,
        () => (faults[fault] = step.much),
        () => (faults[fault] = 0),
      );
    }
    default:
      befallNode(step, of);
  }
}

function befallNode(step: Step, { clock, rng, nodes, addNode }: Misfortunes): void {
  if (!("which" in step)) return;
  const node = nodes[step.which % nodes.length]!;
  switch (step.do) {
    case "partition":
      node.partition(true);
      return void clock.after(step.forMs, () => node.partition(false));
    case "powerOff":
      node.powerOff();
      return void clock.after(step.forMs, () => node.powerOn());
    case "restartKubelet":
      return node.restartKubelet();
    case "crashPod":
    case "unready":
      return node.hurt(pick(rng, node.pods) ?? "", step.do === "crashPod" ? "crash" : "unready", step.forMs);
    case "pressure":
      return node.evict(pick(rng, node.pods) ?? "");
    case "addNode":
      addNode();
  }
}

/** From now on all goes well. */
export function endMisfortune({ disk, server, network, nodes }: Misfortunes): void {
  Object.assign(network.faults, noFaults());
  disk.isFull = false;
  disk.slownessMs = USUAL_SLOWNESS_MS;
  disk.planCrash(undefined);
  server.downMs = USUAL_DOWN_MS;
  for (const node of nodes) {
    node.partition(false);
    node.powerOn();
  }
}
