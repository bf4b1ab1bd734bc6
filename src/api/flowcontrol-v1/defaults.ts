import type { FlowSchema, PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

const PRECEDENCE = 1000;
const SHARES = 30;
const QUEUES = 64;
const HAND_SIZE = 8;
const QUEUE_LENGTH = 50;

/** @see kubernetes pkg/apis/flowcontrol/v1/defaults.go */
export function applyFlowSchemaDefaults({ spec }: Mutable<FlowSchema>): void {
  if (spec) spec.matchingPrecedence ||= PRECEDENCE;
}

export function applyPriorityLevelDefaults({ spec }: Mutable<PriorityLevelConfiguration>): void {
  const { exempt, limited } = spec ?? {};
  if (exempt) {
    exempt.nominalConcurrencyShares ??= 0;
    exempt.lendablePercent ??= 0;
  }
  if (!limited) return;
  limited.nominalConcurrencyShares ??= SHARES;
  limited.lendablePercent ??= 0;
  const { queuing } = limited.limitResponse ?? {};
  if (!queuing) return;
  queuing.handSize ||= HAND_SIZE;
  queuing.queues ||= QUEUES;
  queuing.queueLengthLimit ||= QUEUE_LENGTH;
}
