import type { ReplicationController } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

import { applyPodSpecDefaults } from "../pod-spec/defaults.ts";

/** @see kubernetes pkg/registry/core/replicationcontroller/strategy.go */
export const replicationControllerStrategy: Strategy<ReplicationController> = {
  applyDefaults,
  hasGeneration: true,
};

/** Selector and labels come from the template's labels when they are empty. */
function applyDefaults(controller: Mutable<ReplicationController>): void {
  const { metadata, spec } = controller;
  if (!spec) return;
  const labels = spec.template?.metadata?.labels;
  if (labels) {
    if (isEmpty(spec.selector)) spec.selector = { ...labels };
    if (isEmpty(metadata.labels)) metadata.labels = { ...labels };
  }
  spec.replicas ??= 1;
  if (spec.template?.spec) applyPodSpecDefaults(spec.template.spec);
}

const isEmpty = (labels: Readonly<Record<string, string>> | undefined) => labels === undefined || Object.keys(labels).length === 0;
